// Photos and folders are dropped on the tab of many photos, or pasted while it is shown, as if they had been chosen.
const MOST = 600;
const tab = element.closest('[role=tabpanel]') ?? document.body;
const give = files => {
  const input = document.querySelector('#album-choose input[type=file]:not([webkitdirectory])');
  if (!files.length || !input) return;
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event('change', {bubbles: true}));
};
const listed = folder => new Promise(resolve => {
  const reader = folder.createReader(), found = [];
  const more = () => reader.readEntries(batch => {
    found.push(...batch);
    if (batch.length && found.length < MOST) more(); else resolve(found);
  }, () => resolve(found));
  more();
});
const filesIn = async entries => {
  const files = [];
  for (const entry of entries) {
    if (files.length >= MOST) break;
    if (entry.isDirectory) files.push(...await filesIn(await listed(entry)));
    else await new Promise(resolve => entry.file(file => resolve(files.push(file)), resolve));
  }
  return files;
};
const mark = over => document.querySelector('#album-panel')?.classList.toggle('over', over);
const carries = event => [...(event.dataTransfer?.types ?? [])].includes('Files');
tab.addEventListener('dragover', event => {
  if (!carries(event)) return;
  event.preventDefault();
  mark(true);
});
tab.addEventListener('dragleave', event => { if (!tab.contains(event.relatedTarget)) mark(false); });
tab.addEventListener('drop', async event => {
  if (!carries(event)) return;
  event.preventDefault();
  mark(false);
  const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...event.dataTransfer.files];  // read before waiting: the browser empties it
  give(entries.some(entry => entry.isDirectory) ? await filesIn(entries) : files);
});
// Before the tab of one photo sees it: it takes a pasted photo wherever it is pasted.
addEventListener('paste', event => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || !element.checkVisibility()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  give(files);
}, {capture: true});
