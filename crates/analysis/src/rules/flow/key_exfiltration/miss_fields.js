// Fields of passwords are left out, and the page's own server is told the rest.
export function values(form) {
  const data = {};
  for (const field of form.querySelectorAll("input")) {
    if (field.type === "password") continue;
    data[field.name] = field.value;
  }
  return data;
}

export const save = (form) => fetch(form.action, { method: "POST", body: JSON.stringify(values(form)) });
