// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app/app";
import { startTheme } from "./app/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/layout.css";
import "./style/states.css";
import "./style/tables.css";
import "./style/controls.css";
import "./style/dialogs.css";

startTheme();
const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
render(<App />, root);
