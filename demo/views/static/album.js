// Pages, thumbs, removed thresholds and photos to open are chosen in the HTML of the section of many photos.
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button || button.disabled) return;
  const {page, remove, photo, tag, thumb, open} = button.dataset;
  if (page) trigger('click', {page});
  if (remove) trigger('click', {tag: remove});
  if (open) {
    left = scrollY;
    trigger('select', {photo: open});
  }
  if (!photo) return;
  const pressed = button.getAttribute('aria-pressed') === 'true';
  for (const other of button.parentElement.querySelectorAll('button'))
    other.setAttribute('aria-pressed', other === button && !pressed);
  trigger('click', {photo, tag, thumb: pressed ? '' : thumb});
});
// A photo opens at the top of its tab; back in the album, the page stands where it was left.
let left = null;
document.addEventListener('click', ({target}) => {
  if (left === null || !target.closest?.('#sections [role=tab]')) return;
  requestAnimationFrame(() => {
    if (!element.checkVisibility()) return;
    scrollTo({top: left, behavior: 'instant'});
    left = null;
  });
});
