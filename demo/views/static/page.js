// For the whole page: save plots, copy tags, and support keyboards and screen readers.
() => {
  // Save a plot. It carries its light colours inside; the page's style sheet is not saved with it.
  document.addEventListener('click', async event => {
    const button = event.target.closest('button[data-plot]');
    if (!button) return;
    const visible = [...button.closest('figure').querySelectorAll('svg')].find(svg => svg.clientWidth > 0);
    if (!visible) return;
    const copy = visible.cloneNode(true), {width, height} = visible.viewBox.baseVal;
    const background = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    for (const [name, value] of Object.entries({width: '100%', height: '100%', fill: '#ffffff'}))
      background.setAttribute(name, value);
    copy.prepend(background);
    copy.setAttribute('width', width);
    copy.setAttribute('height', height);
    let saved = new Blob([new XMLSerializer().serializeToString(copy)], {type: 'image/svg+xml'});
    if (button.dataset.plot === 'png') {
      const picture = new Image();
      picture.src = URL.createObjectURL(saved);
      await picture.decode();
      const canvas = document.createElement('canvas');
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(picture.src);
      saved = await new Promise(done => canvas.toBlob(done, 'image/png'));
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(saved);
    link.download = `${button.dataset.name}.${button.dataset.plot}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });

  // Copy the tags of a list as "dog, beach": those over their thresholds, but none with a thumb down, and any with a thumb
  // up. Without a secure context a browser has no navigator.clipboard, but copies what is selected.
  const judged = (tag, thumb) => tag.querySelector(`[data-thumb=${thumb}][aria-pressed=true]`);
  const chosen = tag => !judged(tag, 'down') && (tag.dataset.present !== undefined || judged(tag, 'up'));
  const select = text => {
    const box = Object.assign(document.createElement('textarea'), {value: text, readOnly: true});
    box.style.cssText = 'position: fixed; top: 0; opacity: 0';
    document.body.append(box);
    box.focus({preventScroll: true});
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    return copied;
  };
  const copy = async text => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return select(text);
    }
  };
  document.addEventListener('click', async event => {
    const button = event.target.closest('button[data-copy]');
    if (!button) return;
    const list = button.closest(button.dataset.copy), status = button.nextElementSibling;
    const tags = [...new Set([...list.querySelectorAll('[data-listed]')].filter(chosen).map(tag => tag.dataset.listed))];
    const copied = tags.length > 0 && await copy(tags.join(', '));
    button.focus({preventScroll: true});
    status.textContent = wording(copied ? 'copied' : tags.length ? 'not_copied' : 'no_tags');
    const announcer = document.getElementById('announcer');
    announcer.textContent = '';  // said again when it is copied again
    setTimeout(() => {
      announcer.textContent = copied ? wording('copied_tags', {count: tags.length})
        : wording(tags.length ? 'copy_not_allowed' : 'no_tags_to_copy');
    }, 100);
    setTimeout(() => { status.textContent = ''; }, 3000);
  });

  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    if (!tab) return;
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')], index = tabs.indexOf(tab);
    const next = {ArrowLeft: index - 1, ArrowRight: (index + 1) % tabs.length, Home: 0, End: -1}[event.key];
    if (next === undefined) return;
    event.preventDefault();
    tabs.at(next).focus();
    tabs.at(next).click();
  });

  // gradio's page has a <base>, with which a link to a part of the page would load it anew.
  document.addEventListener('click', event => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    document.getElementById(link.hash.slice(1))?.scrollIntoView();
  });

  // When a part is drawn again, the control in it that had the focus is replaced: focus its successor.
  const key = control => control.dataset.key ?? JSON.stringify({...control.dataset});
  let focused = null;
  document.addEventListener('focusin', ({target}) => {
    focused = {target, key: key(target), part: target.closest('[id]')?.id};
  });
  document.addEventListener('pointerdown', ({target}) => {  // a click elsewhere leaves the control
    if (!focused?.target.contains(target)) focused = null;
  });
  const refocus = () => {
    if (!focused || focused.target.isConnected || focused.key === '{}' || document.activeElement !== document.body) return;
    const controls = document.getElementById(focused.part)?.querySelectorAll(focused.target.tagName) ?? [];
    [...controls].find(control => key(control) === focused.key)?.focus({preventScroll: true});
  };

  // Screen readers only announce changes of a live region that existed before. The page's head has one; it gets the text
  // of every new part marked with data-announce, once the page has come to rest.
  const parts = () => [...document.querySelectorAll('[data-announce]')];
  const text = part => part.dataset.announce || part.innerText;
  let known = new Set(parts().map(text)), timer;
  new MutationObserver(() => {
    refocus();
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = parts(), added = now.filter(part => part.checkVisibility() && !known.has(text(part)));
      known = new Set(now.map(text));
      if (added.length) document.getElementById('announcer').textContent = added.map(text).join(' ');
    }, 300);
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}
