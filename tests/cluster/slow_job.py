"""A job that takes its time, so that a test can stop it in the middle; workers of a cluster import it."""

import time

from ram.cluster.part_tagger import TaggingJob


class SlowJob(TaggingJob):
    """Waits before each part is decoded."""

    def is_done(self, shard, number):
        time.sleep(0.2)
        return super().is_done(shard, number)
