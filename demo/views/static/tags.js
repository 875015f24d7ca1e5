// Show more or fewer tags: the slider lowers or raises all thresholds by as many logits; follows photo.js.
let shift = 0, unfolded = false;
// Texts lie in elements of their own, which gradio finds again when it draws the list anew.
const put = (place, key, values) => say(place.querySelector('[data-say]') ?? place, key, values);
const counted = count => [count ? 'tags_counted' : 'no_tag', {count}];
const show = () => {
  const list = element.querySelector('#tag-list');
  if (!list) return;
  const limit = Number(list.dataset.limit), best = Number(list.dataset.nextBest);
  const rows = [...list.querySelectorAll('.tag-row')].sort((one, other) => one.dataset.rank - other.dataset.rank);
  let over = 0, below = 0;
  for (const row of rows) {
    const present = Number(row.dataset.margin) + shift > 0;
    const shown = present ? unfolded || over < limit : below < best || row.dataset.always !== undefined;
    present ? over++ : below++;
    row.hidden = !shown;
    row.toggleAttribute('data-present', present);
    row.classList.toggle('faint', !present);
  }
  const elsewhere = list.dataset.elsewhere.trim().split(/\s+/).filter(margin => margin && Number(margin) + shift > 0);
  const all = counted(over + elsewhere.length);  // those among the typed categories count too
  const more = list.querySelector('.unfold'), slider = element.querySelector('input[type=range]');
  more.hidden = over <= limit;
  put(more, ...unfolded ? ['show_fewer'] : ['count_more', {count: over - limit}]);
  more.setAttribute('aria-expanded', String(unfolded));
  slider.value = shift;
  slider.dataset.sayAriaValuetext = JSON.stringify(all);
  put(element.querySelector('.count'), ...all);
  put(element.querySelector('.which'), shift > 0 ? 'a_lower_threshold' : shift < 0 ? 'a_higher_threshold' : 'the_threshold');
};
element.addEventListener('input', ({target}) => {
  if (target.type !== 'range') return;
  shift = Number(target.value);
  show();
});
element.addEventListener('click', ({target}) => {
  if (!target.closest('.unfold')) return;
  unfolded = !unfolded;
  show();
});
watch('value', () => requestAnimationFrame(show));  // gradio draws the list as the server has it
