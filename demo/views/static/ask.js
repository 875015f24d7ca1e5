// The box for categories is a combobox that completes what is typed, and a suggestion is put into it; see /completions.
const WAIT = 120;  // milliseconds without a key before words are asked for
const inBox = target => target?.matches?.('#categories input, #categories textarea');
const list = Object.assign(document.createElement('ul'), {id: 'completions', hidden: true});
list.setAttribute('role', 'listbox');
list.dataset.sayAriaLabel = JSON.stringify(['completions']);
let box, active = -1, asked = 0, timer;

const write = text => {
  box.value = text;
  box.dispatchEvent(new Event('input', {bubbles: true}));
  close();
};
const close = () => {
  clearTimeout(timer);
  asked++;  // an answer that is still under way is too late
  list.hidden = true;
  list.replaceChildren();
  activate(-1);
  box?.setAttribute('aria-expanded', 'false');
};
const activate = index => {
  active = index;
  [...list.children].forEach((option, place) => option.setAttribute('aria-selected', String(place === index)));
  if (index < 0) return box?.removeAttribute('aria-activedescendant');
  box.setAttribute('aria-activedescendant', list.children[index].id);
  list.children[index].scrollIntoView({block: 'nearest'});
};
// Where the category at the caret begins.
const start = () => Math.max(...[',', ';'].map(mark => box.value.lastIndexOf(mark, box.selectionStart - 1))) + 1;
const choose = option => {
  const before = box.value.slice(0, start()), after = box.value.slice(box.selectionStart);
  write(`${before}${before && ' '}${option.dataset.word}${after}`);
};
const complete = async () => {
  const question = ++asked, text = box.value.slice(start(), box.selectionStart).trim();
  if (text.length < 2 && !/[^\u0000-\u007f]/.test(text)) return close();
  const query = new URLSearchParams({q: text, language: document.documentElement.lang});  // see languages.html
  const address = `${location.pathname.replace(/\/$/, '')}/completions?${query}`;
  const words = await fetch(address).then(answer => answer.ok ? answer.json() : {words: []}, () => ({words: []}));
  if (question !== asked || document.activeElement !== box) return;
  if (!words.words.length) return close();
  list.replaceChildren(...words.words.map(({word, predefined}, index) => {
    const option = Object.assign(document.createElement('li'), {id: `completion-${index}`, textContent: word});
    option.dataset.word = word;
    option.setAttribute('role', 'option');
    if (predefined) option.append(Object.assign(document.createElement('small'), {textContent: wording('predefined_tag')}));
    return option;
  }));
  list.hidden = false;
  box.setAttribute('aria-expanded', 'true');
  activate(-1);
};

document.addEventListener('focusin', ({target}) => {
  if (!inBox(target) || target === box) return;
  box = target;
  for (const [name, value] of Object.entries({
    role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': list.id, 'aria-expanded': 'false', autocomplete: 'off',
  })) box.setAttribute(name, value);
  box.closest('#ask').append(list);
});
document.addEventListener('focusout', ({target}) => { if (inBox(target)) close(); });
document.addEventListener('input', event => {
  if (!inBox(event.target) || !event.isTrusted) return;
  clearTimeout(timer);
  timer = setTimeout(complete, WAIT);
});
document.addEventListener('keydown', event => {
  if (!inBox(event.target)) return;
  const count = list.children.length, open = !list.hidden;
  if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    const places = count + 1, step = event.key === 'ArrowDown' ? 1 : -1;  // the last place is the box itself
    const next = ((active < 0 ? count : active) + step + places) % places;
    activate(next === count ? -1 : next);
  } else if (open && event.key === 'Enter' && active >= 0) choose(list.children[active]);
  else if (open && event.key === 'Escape') close();
  else {
    if (event.key === 'Enter') close();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);
list.addEventListener('mousedown', event => event.preventDefault());  // the focus stays in the box
list.addEventListener('click', ({target}) => {
  const option = target.closest('[role=option]');
  if (option) choose(option);
});

element.addEventListener('click', ({target}) => {
  const word = target.closest('button[data-suggest]')?.dataset.suggest;
  if (!word) return;
  box ??= document.querySelector('#categories input, #categories textarea');
  const typed = box.value.split(/[,;]/).map(one => one.trim()).filter(Boolean);
  if (!typed.some(one => one.toLowerCase() === word.toLowerCase())) typed.push(word);
  write(typed.join(', '));
  requestAnimationFrame(() => document.querySelector('#score').click());
});
