// What the tests ask the page: elements as people find them, by role and name.
(() => {
  const roles = {
    button: "button, [role=button], summary",
    link: "a[href]",
    field: "input:not([type=file]), textarea",
    tab: "[role=tab], [role=tablist] a",
    heading: "h1, h2, h3",
    alert: "[role=alert]",
    dialog: "dialog[open], [role=dialog], [role=alertdialog]",
    article: "article",
    any: "*",
  };
  const visible = (e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(e).visibility !== "hidden" && !e.closest("[inert]");
  };
  const squeeze = (text) => (text || "").replace(/\s+/g, " ").trim();
  const nameOf = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return squeeze(by.split(" ").map((id) => document.getElementById(id)?.textContent).join(" "));
    const label = e.getAttribute("aria-label");
    if (label) return squeeze(label);
    if (e.labels?.length) return squeeze([...e.labels].map((l) => l.textContent).join(" "));
    return squeeze(e.textContent) || squeeze(e.getAttribute("title")) || squeeze(e.getAttribute("placeholder"));
  };
  // The innermost dialog that is open covers the page.
  const scope = () => [...document.querySelectorAll(roles.dialog)].filter(visible).pop() || document;
  const all = (role, pattern, anywhere) => {
    const name = new RegExp(pattern, "u");
    return [...(anywhere ? document : scope()).querySelectorAll(roles[role])].filter((e) => visible(e) && name.test(nameOf(e)));
  };
  const inView = (e) => {
    const box = e.getBoundingClientRect();
    return box.left < innerWidth && box.right > 0 && box.top < innerHeight && box.bottom > 0;
  };
  const find = (role, pattern) => {
    const found = all(role, pattern);
    return found.find((e) => inView(e)) || found[0];
  };
  // point is where to click an element: an error, or its middle once nothing covers it.
  const point = (role, pattern) => {
    const e = find(role, pattern);
    if (!e) return { error: `there is no ${role} named ${pattern}` };
    if (e.disabled) return { error: `the ${role} ${pattern} is disabled` };
    if (!inView(e)) e.scrollIntoView({ block: "center" });
    const box = e.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const top = document.elementFromPoint(x, y);
    if (!top || !(e === top || e.contains(top) || top.contains(e) && top.tagName === "LABEL")) {
      return { error: `the ${role} ${pattern} is covered by ${top?.outerHTML.slice(0, 200)}` };
    }
    return { x, y, error: "" };
  };
  const select = (pattern) => {
    const e = find("field", pattern);
    if (!e) return `there is no field named ${pattern}`;
    e.focus();
    e.select();
    return document.activeElement === e ? "" : `the field ${pattern} does not get the focus`;
  };
  // playing is the video that plays in view: how many frames it has shown, and its position.
  const playing = () => {
    const e = [...document.querySelectorAll("video")].find((v) => visible(v) && inView(v) && !v.paused && v.readyState >= 2);
    if (!e) return { frames: -1, time: 0, src: "" };
    return { frames: e.getVideoPlaybackQuality().totalVideoFrames, time: e.currentTime, src: e.currentSrc };
  };
  globalThis.__page = {
    point, select, playing,
    has: (role, pattern) => Boolean(find(role, pattern)),
    text: () => document.body?.innerText ?? "",
    state: () => `${location.pathname}: ${document.title}: ${squeeze(document.body?.innerText).slice(0, 600)}`,
  };
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`CSP: ${event.violatedDirective} refuses ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`);
  });
})();
