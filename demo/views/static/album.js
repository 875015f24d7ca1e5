// Pages, thumbs and removed thresholds are chosen in the HTML of the section of many photos.
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button || button.disabled) return;
  const {page, remove, photo, tag, thumb} = button.dataset;
  if (page) trigger('click', {page});
  if (remove) trigger('click', {tag: remove});
  if (!photo) return;
  const pressed = button.getAttribute('aria-pressed') === 'true';
  for (const other of button.parentElement.querySelectorAll('button'))
    other.setAttribute('aria-pressed', other === button && !pressed);
  trigger('click', {photo, tag, thumb: pressed ? '' : thumb});
});
