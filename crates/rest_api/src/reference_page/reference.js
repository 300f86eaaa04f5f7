// Renders /openapi.json as a reference. Everything is put into the page as text, never as markup.
"use strict";

const WORDS = {
  en: {
    skip: "Skip to content", search: "Search", search_hint: "Find an operation, a field, a problem…", nothing: "Nothing found",
    parameters: "Parameters", body: "Request body", responses: "Answers", example: "Example", required: "required",
    needs: "Needs", anyone: "anyone", document: "OpenAPI document", problems: "All problems", operations: "operations",
    array: "array of", one_of: "one of", nullable: "or null", at_least: "at least", at_most: "at most", characters: "characters",
    items: "items", values: "values", default: "default", failed: "The document cannot be loaded.", in: "in", show: "Fields of",
    link: "Link to this operation",
  },
  ru: {
    skip: "К содержанию", search: "Поиск", search_hint: "Операция, поле, ошибка…", nothing: "Ничего не найдено",
    parameters: "Параметры", body: "Тело запроса", responses: "Ответы", example: "Пример", required: "обязательно",
    needs: "Кому", anyone: "всем", document: "Документ OpenAPI", problems: "Все ошибки", operations: "операций",
    array: "массив:", one_of: "одно из", nullable: "или null", at_least: "не меньше", at_most: "не больше", characters: "знаков",
    items: "элементов", values: "значения", default: "по умолчанию", failed: "Документ не загрузился.", in: "в", show: "Поля",
    link: "Ссылка на операцию",
  },
};
const METHODS = ["get", "post", "put", "patch", "delete"];

let spec = null;
let language = startLanguage();

function startLanguage() {
  let kept = null;
  try { kept = localStorage.getItem("reference-language"); } catch { /* storage may be forbidden */ }
  return kept ?? (navigator.language.startsWith("ru") ? "ru" : "en");
}

const word = (key) => WORDS[language][key] ?? key;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

/** Text in which `code` between backticks becomes an element. */
function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

function resolve(schema) {
  const seen = new Set();
  while (schema?.$ref && !seen.has(schema.$ref)) {
    seen.add(schema.$ref);
    const found = schema.$ref.slice(2).split("/").reduce((at, step) => at?.[step], spec);
    schema = { ...found, name: schema.$ref.split("/").pop(), description: schema.description ?? found?.description };
  }
  return schema ?? {};
}

function types(schema) {
  const all = [schema.type ?? []].flat();
  return { main: all.filter((one) => one !== "null"), nullable: all.includes("null") };
}

function choices(schema) {
  return schema.oneOf ?? schema.anyOf ?? null;
}

function typeName(raw) {
  const schema = resolve(raw);
  const { main, nullable } = types(schema);
  const forms = choices(schema);
  let name;
  if (forms) {
    const real = forms.filter((form) => form.type !== "null");
    name = real.length === 1 ? typeName(real[0]) : `${word("one_of")} ${real.map(typeName).join(", ")}`;
    if (real.length < forms.length) name += ` ${word("nullable")}`;
  } else if (main.includes("array")) {
    name = `${word("array")} ${typeName(schema.items ?? {})}`;
  } else {
    name = main.includes("object") && schema.name ? schema.name : main.join(" / ") || schema.name || "any";
    if (schema.format) name += ` (${schema.format})`;
  }
  return nullable ? `${name} ${word("nullable")}` : name;
}

const HUGE = 2 ** 31 - 1;

/** What a value is when it is not null: the only real form of a choice, or the schema itself. */
function core(raw) {
  const schema = resolve(raw);
  const real = (choices(schema) ?? []).filter((form) => form.type !== "null");
  return real.length === 1 ? resolve(real[0]) : schema;
}

function limits(raw) {
  const schema = core(raw);
  const parts = [];
  const bounded = (value) => value !== undefined && Math.abs(value) < HUGE;
  if (bounded(schema.minimum)) parts.push(`${word("at_least")} ${schema.minimum}`);
  if (bounded(schema.maximum)) parts.push(`${word("at_most")} ${schema.maximum}`);
  if (schema.minLength) parts.push(`${word("at_least")} ${schema.minLength} ${word("characters")}`);
  if (schema.maxLength && !schema.format) parts.push(`${word("at_most")} ${schema.maxLength} ${word("characters")}`);
  if (schema.maxItems) parts.push(`${word("at_most")} ${schema.maxItems} ${word("items")}`);
  if (schema.pattern && !schema.pattern.includes("\\u0000")) parts.push(schema.pattern);
  if (schema.enum) parts.push(`${word("values")}: ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`);
  if (schema.default !== undefined && schema.default !== null) parts.push(`${word("default")} ${JSON.stringify(schema.default)}`);
  return parts.join(" · ");
}

/** The object schemas worth opening below a field: its own, its items', its forms'. */
function inside(raw) {
  const schema = resolve(raw);
  if (schema.properties) return [schema];
  if (schema.items) return inside(schema.items);
  return (choices(schema) ?? []).flatMap(inside);
}

function fieldItem(name, raw, required, depth, where) {
  const schema = resolve(raw);
  const note = raw.description ?? schema.description ?? core(raw).description;
  const bounds = limits(raw);
  const item = element("li", {},
    element("span", { class: "name" }, name),
    element("span", { class: "type" }, where ? `${typeName(raw)} · ${word("in")} ${where}` : typeName(raw)),
    required ? element("span", { class: "must" }, word("required")) : null,
    note ? element("p", {}, ...prose(note)) : null,
    bounds ? element("p", { class: "limits" }, bounds) : null);
  if (depth < 6) {
    for (const form of inside(raw)) {
      item.append(element("details", {}, element("summary", {}, `${word("show")} ${form.name ?? name}`), fields(form, depth + 1)));
    }
  }
  return item;
}

function fields(schema, depth = 0) {
  const required = new Set(schema.required ?? []);
  return element("ul", { class: "fields" },
    ...Object.entries(schema.properties ?? {}).map(([name, one]) => fieldItem(name, one, required.has(name), depth)));
}

function schemaView(raw) {
  const forms = inside(raw);
  if (!forms.length) return [element("p", {}, typeName(raw), " ", element("span", { class: "muted" }, limits(raw)))];
  if (forms.length === 1) return [fields(forms[0])];
  return forms.map((form, at) => element("details", { open: at === 0 }, element("summary", {}, form.title ?? form.name ?? String(at + 1)), fields(form)));
}

/** An example value: the one that is given, else one made from the schema. */
function sample(raw, depth = 0) {
  const schema = resolve(raw);
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (depth > 6) return null;
  const forms = choices(schema)?.filter((form) => form.type !== "null");
  if (forms?.length) return sample(forms[0], depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((one) => sample(one, depth + 1)));
  const { main } = types(schema);
  if (schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, sample(one, depth + 1)]));
  }
  if (main.includes("array")) return [sample(schema.items ?? {}, depth + 1)];
  if (main.includes("integer")) return Math.max(schema.minimum ?? 0, 0);
  if (main.includes("boolean")) return false;
  const made = { uuid: "019cadf4-6c80-7000-8000-000000000001", "date-time": "2026-03-02T09:00:00Z", date: "2026-03-02" };
  return main.includes("string") ? made[schema.format] ?? "…" : {};
}

function jsonView(value) {
  const text = JSON.stringify(value, null, 2);
  const pre = element("pre", { tabindex: "0" });
  const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?)/g;
  let last = 0;
  for (const found of text.matchAll(pattern)) {
    pre.append(text.slice(last, found.index));
    const kind = found[3] ? "number" : found[2] ? "key" : "text";
    pre.append(element("span", { class: kind }, found[1] ?? found[3]), found[2] ?? "");
    last = found.index + found[0].length;
  }
  pre.append(text.slice(last));
  return pre;
}

function contentView(content, open) {
  const [media, form] = Object.entries(content ?? {})[0] ?? [];
  if (!media) return [];
  const nodes = form.schema ? schemaView(form.schema) : [];
  const value = form.example ?? Object.values(form.examples ?? {})[0]?.value ?? (form.schema ? sample(form.schema) : undefined);
  if (value !== undefined && media.includes("json")) {
    nodes.push(element("details", { open }, element("summary", {}, word("example")), jsonView(value)));
  }
  return [element("p", { class: "muted" }, media), ...nodes];
}

function answerView(status, raw) {
  const answer = resolve(raw);
  const problem = answer.content?.["application/problem+json"];
  const summary = element("summary", {}, element("span", { class: `status ${status < "400" ? "good" : "bad"}` }, status));
  if (!problem) {
    summary.append(...prose(answer.description ?? ""));
    return element("details", { open: status < "300" }, summary, ...contentView(answer.content, false));
  }
  const codes = [...(answer.description ?? "").matchAll(/`([a-z_]+)`: ([^;]+)/g)];
  summary.append(codes.map((found) => found[1]).join(", "));
  const list = element("ul", { class: "problems" }, ...codes.map((found) =>
    element("li", {}, element("a", { href: `/problems/${found[1]}` }, found[1]), ` — ${found[2]}`)));
  return element("details", {}, summary, list);
}

function securityView(operation) {
  const needs = (operation.security ?? []).flatMap((one) => Object.entries(one));
  if (!needs.length) return [element("span", { class: "needs" }, `${word("needs")}: ${word("anyone")}`)];
  return needs.map(([scheme, scopes]) =>
    element("span", { class: "needs", title: spec.components?.securitySchemes?.[scheme]?.description },
      `${word("needs")}: ${scheme}${scopes.length ? ` (${scopes.join(", ")})` : ""}`));
}

function operationView({ id, method, path, operation }) {
  const card = element("article", { class: "operation", id },
    element("h3", {}, operation.summary ?? id, element("a", { class: "anchor", href: `#${id}`, "aria-label": word("link") }, "#")),
    element("p", { class: "line" }, element("span", { class: `method ${method}` }, method.toUpperCase()), " ", element("span", { class: "path" }, path)));
  for (const paragraph of (operation.description ?? "").split(/\n\s*\n/)) {
    if (paragraph) card.append(element("p", {}, ...prose(paragraph)));
  }
  card.append(element("p", { class: "line" }, ...securityView(operation)));
  if (operation.parameters?.length) {
    card.append(element("h4", {}, word("parameters")),
      element("ul", { class: "fields" }, ...operation.parameters.map(resolve).map((one) =>
        fieldItem(one.name, { ...one.schema, description: one.description }, one.required, 0, one.in))));
  }
  if (operation.requestBody) card.append(element("h4", {}, word("body")), ...contentView(operation.requestBody.content, true));
  card.append(element("h4", {}, word("responses")),
    element("div", { class: "answers" }, ...Object.entries(operation.responses ?? {}).map(([status, one]) => answerView(status, resolve(one)))));
  return card;
}

function collect() {
  const groups = new Map((spec.tags ?? []).map((tag) => [tag.name, { ...tag, operations: [] }]));
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const operation = item[method];
      const name = operation.tags?.[0] ?? "other";
      if (!groups.has(name)) groups.set(name, { name, operations: [] });
      groups.get(name).operations.push({ id: operation.operationId ?? `${method}-${path}`, method, path, operation });
    }
  }
  return [...groups.values()].filter((group) => group.operations.length);
}

function introView(groups) {
  const count = groups.reduce((sum, group) => sum + group.operations.length, 0);
  return [
    element("h1", {}, `${spec.info.title} API`),
    ...(spec.info.description ?? "").split(/\n\s*\n/).map((text) => element("p", {}, ...prose(text))),
    element("ul", { class: "chips" },
      element("li", {}, `${count} ${word("operations")}`),
      element("li", {}, element("a", { href: "/openapi.json" }, word("document"))),
      element("li", {}, element("a", { href: "/problems" }, word("problems"))),
      element("li", {}, spec.info.license?.name ?? "")),
  ];
}

function render() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = word(node.dataset.placeholder);
  for (const node of document.querySelectorAll("[data-language]")) node.setAttribute("aria-pressed", String(node.dataset.language === language));
  if (!spec) return;
  const groups = collect();
  document.getElementById("top").replaceChildren(...introView(groups));
  document.getElementById("nav").replaceChildren(...groups.flatMap((group) => [
    element("h2", { "data-group": group.name }, group.name),
    element("ul", {}, ...group.operations.map(({ id, method, operation }) => element("li", {},
      element("a", { href: `#${id}`, "data-for": id }, element("span", { class: `method ${method}` }, method.toUpperCase()), operation.summary ?? id)))),
  ]));
  document.getElementById("operations").replaceChildren(...groups.map((group) => element("section", { class: "group" },
    element("h2", {}, group.name), group.description ? element("p", {}, group.description) : null, ...group.operations.map(operationView))));
  filter();
  markCurrent();
}

function filter() {
  const wanted = document.getElementById("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of document.querySelectorAll(".operation")) {
    const text = card.textContent.toLowerCase();
    card.hidden = !wanted.every((one) => text.includes(one));
    const entry = document.querySelector(`nav [data-for="${CSS.escape(card.id)}"]`);
    if (entry) entry.parentElement.hidden = card.hidden;
    if (!card.hidden) shown += 1;
  }
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".operation:not([hidden])");
  for (const list of document.querySelectorAll("nav ul")) {
    list.previousElementSibling.hidden = !list.querySelector("li:not([hidden])");
  }
  document.getElementById("top").hidden = wanted.length > 0;
  document.getElementById("nothing").hidden = shown > 0 || !spec;
}

function markCurrent() {
  const id = decodeURIComponent(location.hash.slice(1));
  for (const entry of document.querySelectorAll("nav a")) entry.setAttribute("aria-current", String(entry.dataset.for === id));
}

function moveInNav(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const entries = [...document.querySelectorAll("nav li:not([hidden]) a")];
  const at = entries.indexOf(document.activeElement);
  entries[Math.min(Math.max(at + step, 0), entries.length - 1)]?.focus();
  event.preventDefault();
}

function listen() {
  const search = document.getElementById("search");
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; filter(); }
    if (event.key === "ArrowDown") moveInNav(event);
  });
  document.getElementById("nav").addEventListener("keydown", moveInNav);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { search.focus(); event.preventDefault(); }
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      try { localStorage.setItem("reference-language", language); } catch { /* storage may be forbidden */ }
      render();
    });
  }
  addEventListener("hashchange", markCurrent);
}

async function start() {
  listen();
  render();
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(String(answer.status));
    spec = await answer.json();
  } catch {
    document.getElementById("operations").replaceChildren(element("p", {}, word("failed")));
    return;
  }
  render();
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ behavior: "instant" });
}

start();
