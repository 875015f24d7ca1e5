"""Score categories of your own, described in your own sentences, without any training.

    python examples/type_categories.py assets/examples/dogs.jpg
"""

import sys

import ram

CATEGORIES = {
    "cocker spaniel": ["a photo of a cocker spaniel.", "a small dog with long, wavy hair on its ears."],
    "siamese cat": ["a photo of a siamese cat.", "a pale cat with a dark face and blue eyes."],
    "looking out of a window": ["a photo of an animal that looks out of a window."],
}


def main(photo: str) -> None:
    tagger = ram.load("ram-plus-lite")
    bank = tagger.embed(CATEGORIES)  # the text encoder runs once for all photos

    features = tagger.look(photo)  # the image encoder runs once for all banks
    for score in tagger.score(features, bank):
        print(f"{score.probability:.2f}  {score.tag}")

    everything = tagger.bank.override(bank)  # the predefined tags too; those of one name get these sentences
    print(f"over their thresholds, of {len(everything)} tags: {', '.join(tagger.score(features, everything).tags)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
