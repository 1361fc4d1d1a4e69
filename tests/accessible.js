// What is wrong with a page for who reads it by ear, by keys, or with weak eyes: a list of texts, empty if nothing is.
// Levels A and AA of WCAG 2.2 as far as a program can tell.
(() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  if (document.documentElement.lang !== "en") faults.push("no language");
  if (!document.title.trim()) faults.push("no title");
  if (all("h1").length !== 1) faults.push(`${all("h1").length} first headings`);
  if (all("main").length !== 1) faults.push("no main part");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say("a level of headings is left out", heading);
    level = own;
  }
  for (const field of all("input:not([type=hidden]), select, textarea")) {
    if (!field.labels.length) say("no label", field);
  }
  for (const thing of all("a[href], button")) {
    if (!(thing.getAttribute("aria-label") || thing.textContent).trim()) say("no name", thing);
  }
  for (const table of all("table")) {
    if (!table.querySelector("thead th[scope=col]")) say("no column headers", table);
    for (const row of table.querySelectorAll("tbody tr")) {
      if (!row.querySelector("th[scope=row]")) say("no row header", row);
    }
  }
  for (const picture of all("svg, img")) {
    if (picture.tagName === "svg" ? !picture.querySelector("title") : !picture.alt) say("no text for", picture);
  }
  const ids = all("[id]").map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`two of id ${id}`);
  for (const name of ["aria-labelledby", "aria-describedby"]) {
    for (const one of all(`[${name}]`)) {
      for (const id of one.getAttribute(name).split(" ")) if (!document.getElementById(id)) say("refers to nothing", one);
    }
  }
  for (const one of all("script, [style], [onclick]")) say("not by this policy", one);

  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const part = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = numbers(colour);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      const [, , , alpha = 1] = numbers(colour);
      if (alpha === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let read = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    const inPicture = element.closest("svg");
    if (inPicture && element.tagName !== "text") continue;
    const colour = getComputedStyle(element)[inPicture ? "fill" : "color"];
    const behind = element.classList.contains("inside")
      ? getComputedStyle(element.previousElementSibling).fill
      : ground(inPicture ? inPicture.parentElement : element);
    const [high, low] = [light(colour), light(behind)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, element);
    read += 1;
  }
  if (read < 5) faults.push("hardly any text");
  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) faults.push(`wider than the window: ${page.scrollWidth} of ${innerWidth}`);
  return faults;
})()
