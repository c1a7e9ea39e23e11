// Loaded before every test file (bunfig.toml). Without this fast-check makes ten elements at most, whatever `maxLength` an arbitrary names.
import { configureGlobal } from "fast-check";

configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
