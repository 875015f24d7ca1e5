// Resize RGBA pixels as Pillow does: separable, antialiased, and rounded to bytes after each direction.

const FILTERS = {
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  bicubic: [2, (x) => {
    const a = -0.5, t = Math.abs(x);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
  }],
};

// (height, width, 4) bytes to (side, side, 3) bytes.
export function resize(pixels, width, height, side, filter) {
  const across = new Uint8ClampedArray(height * side * 3), square = new Uint8ClampedArray(side * side * 3);
  along(weights(width, side, filter), height, pixels, [4 * width, 4], across, [3 * side, 3]);
  along(weights(height, side, filter), side, across, [3, 3 * side], square, [3, 3 * side]);
  return square;
}

// Weigh each line of `source` to one of `target`; strides are those of lines and of places in a line.
function along(taps, lines, source, [lineIn, stepIn], target, [lineOut, stepOut]) {
  for (let index = 0; index < taps.length; index++) {
    const { first, values } = taps[index];
    for (let line = 0; line < lines; line++) {
      let red = 0.5, green = 0.5, blue = 0.5, at = line * lineIn + first * stepIn;
      for (let i = 0; i < values.length; i++, at += stepIn) {
        const weight = values[i];
        red += weight * source[at];
        green += weight * source[at + 1];
        blue += weight * source[at + 2];
      }
      const to = line * lineOut + index * stepOut;
      target[to] = Math.floor(red);
      target[to + 1] = Math.floor(green);
      target[to + 2] = Math.floor(blue);
    }
  }
}

function weights(from, to, filter) {
  const [radius, shape] = FILTERS[filter], scale = from / to, wide = Math.max(scale, 1), support = radius * wide;
  return Array.from({ length: to }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const last = Math.min(from, Math.trunc(center + support + 0.5));
    const values = Array.from({ length: last - first }, (_, i) => shape((first + i - center + 0.5) / wide));
    const sum = values.reduce((a, b) => a + b, 0);
    return { first, values: Float64Array.from(values, (value) => value / sum) };
  });
}
