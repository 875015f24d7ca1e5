// A tagger in the browser: ONNX graphs on onnxruntime-web.

import { resize } from "./resample.js";
import { bestDevice, Runtime, unpacked } from "./runtime.js";
import { WordPiece } from "./wordpiece.js";

const MODEL = "./model/";

export class Tagger {
  // `device` is "webgpu" or "wasm"; null is the best one, and WASM where the GPU fails.
  static async load(progress = () => {}, device = null) {
    progress("Loading the model ...");
    const [look, tags] = await Promise.all(["look.onnx.gz", "tags.onnx.gz"].map((name) => unpacked(MODEL + name)));
    const settings = await (await fetch(`${MODEL}tags.json`)).json(), chosen = device ?? (await bestDevice());
    try {
      return await Tagger.on(chosen, look, tags, settings);
    } catch (error) {
      if (device || chosen === "wasm") throw error;
      return Tagger.on("wasm", look, tags, settings);
    }
  }

  // A tagger on a device. A GPU is tried on an empty image: it may fail only there, and compiles there.
  static async on(device, look, tags, settings) {
    const runtime = await Runtime.load(device), tagger = new Tagger();
    const sessions = { look: await runtime.session(look), tags: await runtime.session(tags) };
    Object.assign(tagger, { runtime, settings, ...sessions });
    if (device === "webgpu") {
      const empty = tagger.pixels(new Float32Array(3 * settings.size ** 2));
      await tagger.tag(await tagger.look.run({ pixels: empty }));
    }
    return tagger;
  }

  pixels(values) {
    const { size } = this.settings;
    return this.runtime.tensor("float32", values, [1, 3, size, size]);
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
    return this.pixels(pixels);
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
      // WebGPU has no operators for the int8 weights of the text encoder.
      this.text = { score: await this.runtime.session(score), embed: await this.runtime.session(embed, "wasm"), words };
    }
    const rows = [], { runtime } = this;
    for (const sentence of sentences) {
      const ids = BigInt64Array.from(this.text.words.encode(sentence), BigInt), shape = [1, ids.length];
      const mask = runtime.tensor("int64", new BigInt64Array(ids.length).fill(1n), shape);
      const { embeddings } = await this.text.embed.run({ ids: runtime.tensor("int64", ids, shape), mask });
      rows.push(...embeddings.data);
    }
    const count = sentences.length, shape = [1, count, rows.length / count];
    const embeddings = runtime.tensor("float32", Float32Array.from(rows), shape);
    const mask = runtime.tensor("bool", new Uint8Array(count).fill(1), [1, count]);
    return (await probabilities(this.text.score, { ...features, embeddings, mask }))[0];
  }
}

async function probabilities(graph, given) {
  const inputs = Object.fromEntries(graph.inputNames.map((name) => [name, given[name]]));
  const { logits } = await graph.run(inputs, ["logits"]);
  return Array.from(logits.data, (logit) => 1 / (1 + Math.exp(-logit)));
}
