// A tagger in the browser: ONNX graphs on onnxruntime-web, by WASM on one thread.

import * as ort from "./ort.mjs";
import { resize } from "./resample.js";
import { WordPiece } from "./wordpiece.js";

const MODEL = "./model/";

// The bytes of a file that is stored compressed: a static host may not compress by itself.
async function unpacked(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} cannot be fetched (${answer.status}): copy the whole folder to your host`);
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

export class Tagger {
  static async load(progress = () => {}) {
    progress("Loading the model ...");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = (await unpacked("./ort.wasm.gz")).buffer;
    const [look, tags] = await Promise.all(["look.onnx.gz", "tags.onnx.gz"].map((name) => unpacked(MODEL + name)));
    const settings = await (await fetch(`${MODEL}tags.json`)).json();
    const tagger = new Tagger();
    Object.assign(tagger, { settings, look: await session(look), tags: await session(tags) });
    return tagger;
  }

  // Pixels of an image file, (1, 3, size, size), prepared as in Python.
  async prepare(blob) {
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const { size, mean, std, interpolation } = this.settings, square = resize(data, width, height, size, interpolation);
    const pixels = new Float32Array(3 * size * size);
    for (let i = 0; i < size * size; i++)
      for (let c = 0; c < 3; c++) pixels[c * size * size + i] = (square[3 * i + c] / 255 - mean[c]) / std[c];
    return new ort.Tensor("float32", pixels, [1, 3, size, size]);
  }

  // Run the image encoder once; what it gives can be scored against any bank.
  async see(blob) {
    return this.look.run({ pixels: await this.prepare(blob) });
  }

  // Tags over their thresholds, most probable first.
  async tag(features) {
    const found = await probabilities(this.tags, features), { tags, thresholds } = this.settings;
    return found
      .map((probability, i) => ({ tag: tags[i], probability, present: Math.fround(probability) > thresholds[i] }))
      .filter(({ present }) => present)
      .sort((a, b) => b.probability - a.probability);
  }

  // The probability of a category, by sentences about it; the text encoder is fetched the first time.
  async category(features, sentences, progress = () => {}) {
    if (!this.text) {
      progress("Loading the text encoder ...");
      const names = ["score.onnx.gz", "embed.onnx.gz", "vocab.txt.gz"];
      const [score, embed, pieces] = await Promise.all(names.map((name) => unpacked(MODEL + name)));
      const words = new WordPiece(new TextDecoder().decode(pieces));
      this.text = { score: await session(score), embed: await session(embed), words };
    }
    const rows = [];
    for (const sentence of sentences) {
      const ids = BigInt64Array.from(this.text.words.encode(sentence), BigInt), shape = [1, ids.length];
      const mask = new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape);
      const { embeddings } = await this.text.embed.run({ ids: new ort.Tensor("int64", ids, shape), mask });
      rows.push(...embeddings.data);
    }
    const count = sentences.length, shape = [1, count, rows.length / count];
    const embeddings = new ort.Tensor("float32", Float32Array.from(rows), shape);
    const mask = new ort.Tensor("bool", new Uint8Array(count).fill(1), [1, count]);
    return (await probabilities(this.text.score, { ...features, embeddings, mask }))[0];
  }
}

async function probabilities(graph, given) {
  const inputs = Object.fromEntries(graph.inputNames.map((name) => [name, given[name]]));
  const { logits } = await graph.run(inputs, ["logits"]);
  return Array.from(logits.data, (logit) => 1 / (1 + Math.exp(-logit)));
}

function session(graph) {
  return ort.InferenceSession.create(graph, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
}
