import { render } from "preact";
import { keepDocument } from "./state/document";
import { followGlobalKeys } from "./state/keys";
import { start } from "./state/start";
import "./styles/all.css";
import { App } from "./views/app";

start();
keepDocument();
followGlobalKeys();
const root = document.getElementById("app");
if (root) render(<App />, root);
