// Tags that guide the caption are added, removed and brought back; the caption is rewritten at once.
const section = () => element.querySelector('.caption');
element.addEventListener('click', ({target}) => {
  const chip = target.closest('[data-switch]');
  if (chip) trigger('click', {action: 'switch', text: chip.dataset.switch});
  else if (target.closest('[data-reset]')) trigger('click', {action: 'reset'});
});
element.addEventListener('submit', event => {
  event.preventDefault();
  const box = element.querySelector('input[name=tag]');
  if (!box.value.trim()) return;
  trigger('click', {action: 'add', text: box.value});
  box.value = '';
  box.focus();
});
// gradio folds the tags again when it draws them anew, and keeps what was typed for another photo.
let unfolded = false, photo = section()?.dataset.photo;
element.addEventListener('click', ({target}) => {
  const details = target.closest('.guides summary')?.parentElement;
  if (details) unfolded = !details.open;
});
watch('value', () => requestAnimationFrame(() => {
  const details = element.querySelector('details.guides'), now = section()?.dataset.photo;
  if (now !== photo) {
    photo = now;
    const box = element.querySelector('input[name=tag]');
    if (box) box.value = '';
  }
  if (details) details.open = unfolded || details.open;
}));
