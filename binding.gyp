{ "includes": ["bindings.gyp"] }
