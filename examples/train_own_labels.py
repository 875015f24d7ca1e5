"""Fine-tune the shipped model on photos with labels of your own, then tag a photo with it.

    python examples/train_own_labels.py MYPHOTOS runs/own

MYPHOTOS holds photos and photos.csv: one photo a line, as in `dogs.jpg,dog;window`.
"""

import argparse
from pathlib import Path

import ram
from ram.training.loop import train
from ram.training.recipe import Recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with photos and photos.csv")
    parser.add_argument("output", type=Path, help="folder for the model and its log")
    parser.add_argument("--epochs", type=int, default=6, help="passes over the photos (%(default)s)")
    args = parser.parse_args()

    recipe = Recipe.load("finetune-own-labels", {"schedule.epochs": str(args.epochs)})
    folder = train(recipe, args.data, args.output)

    tagger = ram.load(folder)
    print(f"{folder} knows {len(tagger.bank)} tags: {', '.join(tagger.bank.vocabulary.tags)}")
    photo = next(args.data.glob("*.jpg"))
    for score in tagger.tag(photo).top(3):
        print(f"{photo.name}: {score.tag} {score.probability:.2f}")


if __name__ == "__main__":
    main()
