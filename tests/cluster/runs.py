"""Runs over many pictures: their command, and what they wrote."""


def command(model, output, *given, engine="local"):
    """A command with shards of 10 pictures."""
    flags = ["--engine", engine, "--model", str(model), "--output", str(output), "--shard", "10"]
    return ["tag", *map(str, given), *flags]


def rows(folder):
    """All rows of the results, by the name of the picture."""
    import pyarrow.parquet as parquet

    found = [row for file in sorted(folder.glob("*.parquet")) for row in parquet.read_table(file).to_pylist()]
    names = [row["image"].rpartition("/")[2] for row in found]
    assert len(names) == len(set(names)), "each picture once"
    return dict(zip(names, found, strict=True))
