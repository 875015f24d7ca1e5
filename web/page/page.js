// The page: a photo is tagged and a typed category scored, all in this browser.

import { Tagger } from "./tagger.js";

const at = (id) => document.getElementById(id);
const percent = (probability) => `${Math.round(100 * probability)} %`;
const asked = new URLSearchParams(location.search).get("device"); // "webgpu" or "wasm"; the best one where missing
let tagger, features;

function say(text) {
  at("status").textContent = text;
}

function row(name, probability, present) {
  const item = document.createElement("li");
  item.dataset.tag = name;
  item.dataset.probability = probability;
  item.classList.toggle("absent", !present);
  item.append(name, Object.assign(document.createElement("span"), { textContent: percent(probability) }));
  return item;
}

async function open(file) {
  if (!file) return;
  try {
    tagger ??= await Tagger.load(say, asked);
    at("photo").src = URL.createObjectURL(file);
    say("Tagging ...");
    const began = performance.now();
    features = await tagger.see(file);
    const found = await tagger.tag(features), taken = Math.round(performance.now() - began);
    at("tags").replaceChildren(...found.map(({ tag, probability }) => row(tag, probability, true)));
    at("categories").replaceChildren();
    at("category").disabled = at("ask").disabled = false;
    Object.assign(document.body.dataset, { milliseconds: taken, device: tagger.runtime.device });
    const place = tagger.runtime.device === "webgpu" ? "on the GPU" : "on the processor";
    say(`${found.length} tags in ${taken} ms ${place}. The photo has not left this device.`);
  } catch (error) {
    say(`This photo could not be tagged: ${error.message}`);
  }
}

async function ask(event) {
  event.preventDefault();
  const name = at("category").value.trim();
  if (!name || !features) return;
  say("Scoring ...");
  try {
    const probability = await tagger.category(features, [`a photo of a ${name}.`], say);
    at("categories").prepend(row(name, probability, probability > 0.5));
    say(`${name}: ${percent(probability)}`);
  } catch (error) {
    say(`This category could not be scored: ${error.message}`);
  }
}

at("file").addEventListener("change", () => open(at("file").files[0]));
at("form").addEventListener("submit", ask);
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  open(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
if ("serviceWorker" in navigator) navigator.serviceWorker.register("./offline.js");
say("Choose a photo. The first one fetches the model, 25 MB.");
