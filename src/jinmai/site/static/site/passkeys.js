// Passkeys (通行密钥): asks the platform for a question, the browser for the answer, and sends it back.
(() => {
  "use strict";
  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (one) => one.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const ask = async (place, body) => {
    const token = place.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(place.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
      credentials: "same-origin",
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.problem || place.dataset.failed);
    return said;
  };

  const plain = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = toText(made.response[name]);
    }
    return { id: made.id, rawId: toText(made.rawId), type: made.type, response, clientExtensionResults: {} };
  };

  const create = async (place) => {
    const asked = await ask(place, {});
    asked.challenge = toBytes(asked.challenge);
    asked.user.id = toBytes(asked.user.id);
    asked.excludeCredentials = (asked.excludeCredentials || []).map((one) => ({ ...one, id: toBytes(one.id) }));
    const made = await navigator.credentials.create({ publicKey: asked });
    const label = place.querySelector("[data-label]");
    return ask(place, { credential: plain(made), label: label ? label.value : "" });
  };

  const use = async (place) => {
    const asked = await ask(place, {});
    asked.challenge = toBytes(asked.challenge);
    asked.allowCredentials = (asked.allowCredentials || []).map((one) => ({ ...one, id: toBytes(one.id) }));
    const made = await navigator.credentials.get({ publicKey: asked });
    return ask(place, { credential: plain(made) });
  };

  document.querySelectorAll("[data-passkey]").forEach((place) => {
    const problem = place.querySelector(".problem");
    const button = place.querySelector("button");
    const tell = (words) => {
      problem.textContent = words;
      problem.hidden = false;
    };
    button.addEventListener("click", async () => {
      problem.hidden = true;
      if (!window.PublicKeyCredential) return tell(place.dataset.absent);
      button.disabled = true;
      try {
        const said = await (place.dataset.passkey === "add" ? create(place) : use(place));
        window.location.assign(said.next);
      } catch (fault) {
        tell(fault instanceof DOMException ? place.dataset.failed : fault.message);
        button.disabled = false;
      }
    });
  });
})();
