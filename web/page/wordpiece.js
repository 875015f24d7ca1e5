// Sentences to token ids as BERT's uncased WordPiece gives them.

const CLS = "[CLS]", SEP = "[SEP]", UNKNOWN = "[UNK]", MOST_LETTERS = 100;
const PUNCTUATION = /[\p{P}$+<=>^`|~]/u, CHINESE = /\p{Script=Han}/u;

export class WordPiece {
  // `pieces` is the text of a vocabulary, one piece a line.
  constructor(pieces) {
    this.ids = new Map(pieces.replace(/\r?\n$/, "").split(/\r?\n/).map((piece, id) => [piece, id]));
  }

  encode(sentence, most = 256) {
    const ids = words(sentence).flatMap((word) => this.split(word)).slice(0, most - 2);
    return [CLS, ...ids, SEP].map((piece) => (typeof piece === "number" ? piece : this.ids.get(piece)));
  }

  split(word) {
    const letters = [...word], pieces = [];
    if (letters.length > MOST_LETTERS) return [this.ids.get(UNKNOWN)];
    for (let start = 0; start < letters.length; ) {
      let end = letters.length, id;
      for (; end > start; end--) {
        id = this.ids.get((start ? "##" : "") + letters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return [this.ids.get(UNKNOWN)];
      pieces.push(id);
      start = end;
    }
    return pieces;
  }
}

function words(sentence) {
  const plain = sentence.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
  let spaced = "";
  for (const letter of plain) {
    if (letter === "\0" || letter === "\ufffd" || (/\p{C}/u.test(letter) && !/\s/.test(letter))) continue;
    spaced += PUNCTUATION.test(letter) || CHINESE.test(letter) ? ` ${letter} ` : letter;
  }
  return spaced.split(/\s+/).filter(Boolean);
}
