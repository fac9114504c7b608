#pragma once

namespace btfmmap::fuzz {

// Whether code compiled with -fsanitize-coverage=trace-pc went, since the last call, from one place to
// another as it never had before.
bool reached_new();

}  // namespace btfmmap::fuzz
