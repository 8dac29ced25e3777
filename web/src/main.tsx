import { render } from "preact";
import { keepDocument } from "./state/document";
import { followDrops } from "./state/drops";
import { followGlobalKeys } from "./state/keys";
import { start } from "./state/start";
import "./styles/all.css";
import { App } from "./views/app";

start();
keepDocument();
followGlobalKeys();
followDrops();
const root = document.getElementById("app");
if (root) render(<App />, root);
