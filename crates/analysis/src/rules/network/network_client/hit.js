import axios from "axios";
axios.get("https://example.org/");
