// Give a photo: by a click on the one that is shown, from the clipboard, dropped beside the drop area, or from a camera.
const input = () => document.querySelector('#photo input[type=file]');
const give = photo => {
  if (!photo || !input()) return;
  const transfer = new DataTransfer();
  transfer.items.add(photo);
  input().files = transfer.files;
  input().dispatchEvent(new Event('change', {bubbles: true}));
};
const picture = transfer => [...(transfer?.files ?? [])].find(file => file.type.startsWith('image/'));
document.addEventListener('paste', event => {
  const photo = picture(event.clipboardData);
  if (!photo) return;
  event.preventDefault();
  give(photo);
});
document.addEventListener('click', ({target}) => {
  if (target.closest?.('#photo img')) input()?.click();
});
const camera = element.querySelector('input[capture]');
camera.addEventListener('change', () => {
  give(camera.files[0]);
  camera.value = '';  // the next photo may have the same name
});
element.addEventListener('click', ({target}) => {
  const button = target.closest('button[data-choose]');
  if (button) (button.dataset.choose === 'camera' ? camera : input())?.click();
});
// A drop replaces the photo in one step: gradio would send the removal of the photo before as an event of its own, which
// may arrive later. Beside gradio's area the browser would leave the page for the file.
const area = document.querySelector('#photo-panel');
area.addEventListener('dragover', event => event.preventDefault());
area.addEventListener('drop', event => {
  event.preventDefault();
  event.stopPropagation();
  event.target.dispatchEvent(new DragEvent('dragleave', {bubbles: true}));
  give(picture(event.dataTransfer));
}, true);
