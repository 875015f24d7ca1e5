// Draw a picture card as soon as its values are on the page, in the visitor's fonts and language, and save it as PNG.
const WIDTH = 1200, MARGIN = 48, VERDICT = 150, VALUE = 90, NAME = 30, TEXT = 23, LINE = 1.3, MOST_LINES = 2;
const BACK = '#ffffff', INK = '#0f1b2d', MUTED = '#4a5a70', ACCENT = '#0f766e', TRACK = '#e6ebf1';
const FAMILY = '"IBM Plex Sans", system-ui, sans-serif';
const font = (size, bold = false) => `${bold ? 'bold ' : ''}${size}px ${FAMILY}`;
const graphemes = text => [...new Intl.Segmenter(undefined, {granularity: 'grapheme'}).segment(text)]
  .map(({segment}) => segment);
// Lines no wider than the room; a line breaks between words, and within a word that is too long or has no spaces.
const wrap = (pen, text, room) => {
  const lines = [''], wide = line => pen.measureText(line).width > room;
  for (const word of text.split(/(?<=\s)/u)) {
    if (lines.at(-1) && wide(lines.at(-1) + word.trimEnd()) && !wide(word.trimEnd())) lines.push('');
    for (const letter of graphemes(word)) {
      if (lines.at(-1) && letter.trim() && wide(lines.at(-1) + letter)) lines.push('');
      lines[lines.length - 1] += letter;
    }
  }
  const shown = lines.map(line => line.trim()).filter(Boolean);
  if (shown.length <= MOST_LINES) return shown;
  const last = graphemes(shown[MOST_LINES - 1]);
  while (last.length && wide(`${last.join('')}…`)) last.pop();
  return [...shown.slice(0, MOST_LINES - 1), `${last.join('').trimEnd()}…`];
};
const draw = (photo, rows, foot) => {
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d'), left = MARGIN + VERDICT;
  const room = WIDTH - MARGIN - VALUE - left, right = WIDTH - MARGIN;
  for (const row of rows) {
    pen.font = font(NAME, true);
    row.names = wrap(pen, wording(`tag:${row.tag}`), room);
    pen.font = font(TEXT);
    row.reasons = wrap(pen, row.reason, room);
    row.height = LINE * (NAME * row.names.length + TEXT * row.reasons.length) + 22;
  }
  let top = MARGIN + photo.naturalHeight + 28;
  canvas.width = WIDTH;
  canvas.height = Math.round(top + rows.reduce((sum, {height}) => sum + height, 0) + TEXT + MARGIN + 20);
  const write = (text, x, y, size, colour, bold = false) => {
    pen.font = font(size, bold);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  };
  const box = (x, y, width, colour) => {
    pen.fillStyle = colour;
    pen.fillRect(x, y, width, 5);
  };
  pen.textBaseline = 'top';
  pen.fillStyle = BACK;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(photo, Math.floor((WIDTH - photo.naturalWidth) / 2), MARGIN);
  for (const {verdict, present, probability, names, reasons, height} of rows) {
    const colour = present ? ACCENT : MUTED;
    let line = top;
    write(wording(verdict), MARGIN, line + 4, TEXT + 2, colour);
    pen.textAlign = 'right';
    write(probability.toFixed(2), right, line, NAME, INK, present);
    pen.textAlign = 'left';
    for (const name of names) { write(name, left, line, NAME, INK, true); line += LINE * NAME; }
    for (const reason of reasons) { write(reason, left, line, TEXT, MUTED); line += LINE * TEXT; }
    box(left, line + 4, right - left, TRACK);
    box(left, line + 4, (right - left) * probability, colour);
    top += height;
  }
  write(foot, MARGIN, top + 14, TEXT, MUTED);
  return canvas;
};
watch('value', () => requestAnimationFrame(async () => {
  const card = element.querySelector('.picture-card[data-rows]');
  if (!card) return;
  const rows = JSON.parse(card.dataset.rows), photo = card.querySelector('img');
  card.removeAttribute('data-rows');
  await Promise.all([photo.decode(), document.fonts.ready]);
  const canvas = draw(photo, rows, card.querySelector('.foot').textContent);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await new Promise(done => canvas.toBlob(done, 'image/png')));
  link.download = card.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}));
