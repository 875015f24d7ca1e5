"""Tag every photo of a folder and print one line a photo.

    python examples/tag_folder.py assets/examples
"""

import argparse
from pathlib import Path

import ram
from ram.images.folders import find_images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with photos")
    parser.add_argument("--model", default="ram-plus-lite", help="a name from ram.list_models(), or a model folder")
    args = parser.parse_args()

    photos = find_images([args.folder])
    tagger = ram.load(args.model)
    for photo, prediction in zip(photos, tagger.tag(photos), strict=True):  # a list is tagged in batches
        tags = ", ".join(f"{score.tag} {score.probability:.2f}" for score in prediction.above())
        print(f"{photo.name}: {tags or 'no tag over its threshold'}")


if __name__ == "__main__":
    main()
