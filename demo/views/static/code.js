// The view of the page as code: choose a language, put the page's address in, copy.
element.addEventListener('click', async ({target}) => {
  const chosen = target.closest('button[data-language]')?.dataset.language;
  if (chosen) {
    for (const one of element.querySelectorAll('[data-language]'))
      one.setAttribute('aria-pressed', String(one.dataset.language === chosen));
    for (const one of element.querySelectorAll('[data-code-of]')) one.hidden = one.dataset.codeOf !== chosen;
    language = chosen;
  }
  const button = target.closest('[data-copy-code]');
  if (!button) return;
  const code = button.closest('[data-code-of]').querySelector('code'), status = button.nextElementSibling;
  const copied = await copy(code.textContent).catch(() => select(code));
  status.textContent = wording(copied ? 'copied' : 'code_not_copied');
  setTimeout(() => { status.textContent = ''; }, 3000);
});
let language = '';
const copy = text => navigator.clipboard.writeText(text).then(() => true);
const select = code => {  // without a secure context a browser has no clipboard, but copies what is selected
  getSelection().selectAllChildren(code);
  return document.execCommand('copy');
};
watch('value', () => {
  const address = `${location.origin}${location.pathname}`.replace(/\/$/, '');
  for (const code of element.querySelectorAll('code'))
    code.textContent = code.textContent.replaceAll('PAGE-ADDRESS', address);
  if (language) element.querySelector(`[data-language="${language}"]`)?.click();
});
