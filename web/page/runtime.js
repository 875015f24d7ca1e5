// onnxruntime-web: on the GPU by WebGPU where the browser offers one, else by WASM on one thread.

const FILES = {
  webgpu: ["./ort.webgpu.mjs", "./ort.webgpu.wasm.gz"],
  wasm: ["./ort.mjs", "./ort.wasm.gz"],
};

// The bytes of a file that is stored compressed: a static host may not compress by itself.
export async function unpacked(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} cannot be fetched (${answer.status}): copy the whole folder to your host`);
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// "webgpu" where the browser has a GPU. One that the processor imitates is slower than WASM.
export async function bestDevice() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return adapter && !adapter.info.isFallbackAdapter ? "webgpu" : "wasm";
}

export class Runtime {
  static async load(device) {
    if (!(device in FILES)) throw new Error(`there is no device ${device}: the address may ask for webgpu or wasm`);
    const [script, binary] = FILES[device], ort = await import(script);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = (await unpacked(binary)).buffer;
    return Object.assign(new Runtime(), { ort, device });
  }

  // A graph that runs on `device`, that of the runtime unless given.
  session(graph, device = this.device) {
    return this.ort.InferenceSession.create(graph, { executionProviders: [device], graphOptimizationLevel: "all" });
  }

  tensor(type, values, shape) {
    return new this.ort.Tensor(type, values, shape);
  }
}
