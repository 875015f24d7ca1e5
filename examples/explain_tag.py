"""Explain the score of one tag: terms of the logit, weights of the descriptions, regions of the photo.

    python examples/explain_tag.py assets/examples/dogs.jpg dog
"""

import sys

import ram


def main(photo: str, tag: str) -> None:
    tagger = ram.load("ram-plus-lite")
    explanation = tagger.explain(tagger.look(photo), tagger.bank, tag)
    score = explanation.score
    print(f"{tag}: probability {score.probability:.2f}, threshold {score.threshold:.2f}")

    print("\nTerms of the logit:")
    for name, value in score.evidence.terms:
        print(f"  {value:+6.2f}  {name}")
    print(f"  {score.evidence.logit:+6.2f}  sum; decided by {score.evidence.decisive}")

    print("\nDescriptions, by their weight for this photo:")
    for description in score.descriptions[:5]:
        print(f"  {description.weight:6.1%}  {description.text}")

    print("\nWhat each region of the photo adds to the decoder's logit:")
    for row in explanation.patch_effects:
        print("  " + " ".join(f"{value:+5.2f}" for value in row))


if __name__ == "__main__":
    main(*sys.argv[1:])
