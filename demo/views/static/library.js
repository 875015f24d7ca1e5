/* Fill the page of a library: search as one types, show photos as a grid, take thumbs. */

(() => {
  const one = id => document.getElementById(id);
  const chosen = { all: [], without: [], like: null };
  let most = 60, asked = 0, timer = 0, opened = null, waiting = null;

  const element = (name, text = "", options = {}) =>
    Object.assign(document.createElement(name), { textContent: text }, options);
  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

  async function fetched(address, options) {
    const answer = await fetch(address, options);
    const values = await answer.json();
    if (!answer.ok) throw new Error(values.error || "the page cannot be reached");
    return values;
  }

  const post = (name, values) => fetched(`/library/${name}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
  });

  function parameters() {
    const values = new URLSearchParams();
    const given = {
      words: chosen.like ? "" : one("words").value.trim(), all: chosen.all.join(","), without: chosen.without.join(","),
      kinds: one("kind").value, since: one("since").value, until: one("until").value,
      like: chosen.like ? chosen.like.row : "",
    };
    for (const [name, value] of Object.entries(given)) if (value !== "") values.set(name, value);
    return values;
  }

  async function find() {
    const mine = ++asked;
    waiting?.abort();
    waiting = new AbortController();
    const values = parameters();
    history.replaceState(null, "", values.size ? `?${values}` : location.pathname);
    values.set("most", most);
    try {
      const found = await fetched(`/library/find?${values}`, { signal: waiting.signal });
      if (mine === asked) show(found);
    } catch (error) {
      if (error.name !== "AbortError" && mine === asked) problem(error.message);
    }
  }

  function later() {
    clearTimeout(timer);
    most = 60;
    timer = setTimeout(find, 150);
  }

  function problem(text) {
    one("problem").textContent = text;
    one("problem").hidden = !text;
  }

  function show(found) {
    problem("");
    const count = `${found.photos.length.toLocaleString("en")}${found.more ? " best" : ""}`;
    one("status").textContent = found.photos.length ? `${count} of ${plural(found.of, "photo")}` : "no photo is found";
    one("grid").replaceChildren(...found.photos.map(card));
    one("more").hidden = !found.more;
    one("facets").replaceChildren(...Object.entries(found.facets).filter(([, tags]) => tags.length).flatMap(facet));
  }

  function card(photo) {
    const button = element("button", "", { type: "button" });
    const tags = photo.tags.map(tag => tag.name).join(", ");
    button.append(
      element("img", "", { src: `/library/photos/${photo.row}/small.jpg`, loading: "lazy", alt: tags || photo.name }),
      element("small", tags || photo.name, { title: photo.name }),
    );
    button.addEventListener("click", () => open(photo));
    return button;
  }

  function facet([kind, tags]) {
    const list = element("ul");
    for (const { tag, name, count } of tags) {
      const button = element("button", name, { type: "button" });
      button.append(element("span", count));
      button.addEventListener("click", () => choose("all", tag));
      const item = element("li");
      item.append(button);
      list.append(item);
    }
    return [element("h3", `${kind}s`), list];
  }

  function choose(list, tag) {
    if (tag && !chosen[list].includes(tag)) chosen[list].push(tag);
    shown();
  }

  function shown() {
    const items = [];
    const add = (text, remove) => {
      const button = element("button", `${text} ✕`, { type: "button" });
      button.setAttribute("aria-label", `Remove the filter ${text}`);
      button.addEventListener("click", () => { remove(); shown(); });
      const item = element("li");
      item.append(button);
      items.push(item);
    };
    for (const tag of chosen.all) add(tag, () => chosen.all.splice(chosen.all.indexOf(tag), 1));
    for (const tag of chosen.without) add(`not ${tag}`, () => chosen.without.splice(chosen.without.indexOf(tag), 1));
    if (chosen.like) add(`like ${chosen.like.name}`, () => { chosen.like = null; });
    one("chosen").replaceChildren(...items);
    later();
  }

  function open(photo) {
    opened = photo;
    one("photo-image").src = `/library/photos/${photo.row}/large.jpg`;
    one("photo-image").alt = photo.tags.map(tag => tag.name).join(", ");
    one("photo-name").textContent = photo.name;
    one("photo-day").textContent = photo.day && `taken on ${photo.day}`;
    one("learned").textContent = "";
    one("photo-tags").replaceChildren(...photo.tags.map(tag => judged(photo, tag)));
    one("photo").showModal();
  }

  function judged(photo, tag) {
    const item = element("li"), buttons = {};
    const percent = tag.probability === null ? "" : `${Math.round(100 * tag.probability)} %`;
    item.append(element("span", tag.name), element("span", percent));
    for (const [thumb, sign, word] of [[1, "✓", "right"], [-1, "✗", "wrong"]]) {
      const button = buttons[thumb] = element("button", sign, { type: "button" });
      button.setAttribute("aria-label", `${tag.name} is ${word}`);
      button.addEventListener("click", async () => {
        const value = tag.thumb === thumb ? 0 : thumb;
        try {
          await post("thumbs", { row: photo.row, tag: tag.tag, thumb: value });
          tag.thumb = value;
          pressed();
        } catch (error) {
          one("learned").textContent = error.message;
        }
      });
      item.append(button);
    }
    const pressed = () => Object.entries(buttons).forEach(
      ([thumb, button]) => button.setAttribute("aria-pressed", tag.thumb === Number(thumb)));
    pressed();
    return item;
  }

  for (const id of ["words", "kind", "since", "until"]) one(id).addEventListener("input", () => {
    if (id === "words") chosen.like = null;
    id === "words" ? shown() : later();
  });
  for (const [id, list] of [["tag", "all"], ["not", "without"]]) {
    one(id).addEventListener("input", async event => {
      const known = [...one("tags").options].some(option => option.value === one(id).value);
      if (known && event.inputType !== "insertText" && event.inputType !== "deleteContentBackward") {
        choose(list, one(id).value);
        one(id).value = "";
        return;
      }
      try {
        const found = await fetched(`/library/complete?text=${encodeURIComponent(one(id).value)}`);
        const option = ({ tag, name }) => element("option", name === tag ? "" : tag, { value: name });
        one("tags").replaceChildren(...found.map(option));
      } catch (error) {
        problem(error.message);
      }
    });
    one(id).addEventListener("keydown", event => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      choose(list, one(id).value.trim());
      one(id).value = "";
    });
  }
  one("search").addEventListener("submit", event => event.preventDefault());
  one("more").addEventListener("click", () => { most += 60; find(); });
  one("alike").addEventListener("click", () => {
    chosen.like = opened;
    one("words").value = "";
    one("photo").close();
    shown();
  });
  one("learn").addEventListener("click", async () => {
    one("learned").textContent = "One moment…";
    try {
      const { learned } = await post("learn", {});
      const told = learned.map(({ tag, before, after, photos }) =>
        `${tag}: threshold ${before.toFixed(2)} → ${after.toFixed(2)}, now ${plural(photos, "photo")}`);
      one("learned").textContent = told.join("; ") || "No threshold contradicts your thumbs: nothing is changed.";
      find();
    } catch (error) {
      one("learned").textContent = error.message;
    }
  });

  one("add").addEventListener("keydown", async event => {
    const name = one("add").value.trim();
    if (event.key !== "Enter" || !name) return;
    event.preventDefault();
    try {
      const { tag } = await post("thumbs", { row: opened.row, tag: name, thumb: 1 });
      const known = opened.tags.find(other => other.tag === tag);
      if (known) known.thumb = 1;
      else opened.tags.push({ tag, name: tag, probability: null, thumb: 1 });
      one("photo-tags").replaceChildren(...opened.tags.map(other => judged(opened, other)));
      one("add").value = "";
    } catch (error) {
      one("learned").textContent = error.message;
    }
  });
  one("train").addEventListener("click", async () => {
    one("train").disabled = true;
    one("trained").textContent = "Training: a minute or two…";
    try {
      const { photos, labels, files } = await post("tagger", {});
      const table = element("table"), row = (name, cells) => {
        const line = element("tr");
        line.append(...cells.map(cell => element(name, cell)));
        return line;
      };
      table.append(row("th", ["Tag", "photos", "before", "after"]));
      const cells = label => [label.tag, label.photos, label.before.toFixed(2), label.after.toFixed(2)];
      table.append(...labels.map(label => row("td", cells(label))));
      const links = element("p");
      files.forEach(file => links.append(element("a", file, { href: `/library/tagger/${file}`, download: file }), " "));
      const measured = "average precision on photos left out in turns";
      one("trained").textContent = `Trained on ${plural(photos, "photo")}; ${measured}:`;
      one("report").replaceChildren(table, links);
    } catch (error) {
      one("trained").textContent = error.message;
    }
    one("train").disabled = false;
  });

  const start = new URLSearchParams(location.search);
  for (const id of ["words", "since", "until"]) one(id).value = start.get(id) || "";
  one("kind").value = start.get("kinds") || "";
  for (const list of ["all", "without"]) chosen[list] = (start.get(list) || "").split(",").filter(Boolean);
  if (start.get("like")) chosen.like = { row: Number(start.get("like")), name: "a photo" };
  shown();
})();
