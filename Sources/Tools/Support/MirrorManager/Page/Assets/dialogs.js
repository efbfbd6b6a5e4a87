// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Dialogs: confirmation, sign-in, help. A native dialog keeps and gives back the focus by itself.

import { api } from "./api.js";
import { byId, make } from "./dom.js";

/** Asks whether to do what hurts. The safe answer has the focus. */
export function confirm({ title, text, action }) {
  const dialog = byId("confirm");
  if (dialog.open) return Promise.resolve(false);
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = action;
  dialog.returnValue = "no";
  dialog.showModal();
  byId("confirm-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

let asking = null;

/** Asks for a token until one is taken or the user gives up; resolves to whether there is a session. */
export function signIn(reason) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("sign-in");
    const token = byId("token");
    const error = byId("sign-in-error");
    byId("sign-in-reason").textContent = reason;
    error.textContent = "";
    token.value = "";
    let isIn = false;
    const onSubmit = async (event) => {
      event.preventDefault();
      byId("sign-in-submit").disabled = true;
      try {
        await api.signIn(token.value.trim());
        isIn = true;
        dialog.close();
      } catch (failure) {
        error.textContent = failure.status === 401 || failure.status === 403 ? "This token is not known." : failure.message;
        token.select();
      } finally {
        byId("sign-in-submit").disabled = false;
      }
    };
    const onCancel = () => dialog.close();
    const form = byId("sign-in-form");
    form.addEventListener("submit", onSubmit);
    byId("sign-in-cancel").addEventListener("click", onCancel);
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", onSubmit);
      byId("sign-in-cancel").removeEventListener("click", onCancel);
      // The secret does not stay in the page.
      token.value = "";
      asking = null;
      resolve(isIn);
    }, { once: true });
    dialog.showModal();
    token.focus();
  });
  return asking;
}

/** Shows the keys. */
export function help(keys) {
  const list = byId("help-keys");
  list.replaceChildren(...keys.flatMap(([names, text]) => [
    make("dt", {}, ...names.flatMap((name, index) => [index > 0 ? " " : null, make("kbd", { text: name })])),
    make("dd", { text }),
  ]));
  byId("help").showModal();
  byId("help-close").focus();
}
