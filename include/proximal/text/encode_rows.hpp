// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <proximal/io/running_hash.hpp>
#include <proximal/text/parallel_for.hpp>
#include <proximal/text/token_cache.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string_view>
#include <utility>

namespace proximal::text {

/// How texts become ids: on how many threads (0: as many as there are cores), who is told, and where what was made once
/// is kept (an empty folder's name: nowhere).
struct encoding {
    std::size_t threads = 0;
    load_progress progress{};
    std::filesystem::path cache{};
};

/// `row(i)`, the ids of what `hash` was given of i, for i in [0, count): from the cache, or made in parallel and kept
/// there. The key is of `hash`, of the tokenizer and of `count`; `hash` must have been given all that `row` depends on
/// besides the tokenizer. The order is that of i on any number of threads.
template <class Row>
token_rows encode_rows(std::size_t count, Row const& row, io::running_hash hash, tokenizer const& tokenizer,
                       encoding const& how = {}) {
    token_cache const cache(how.cache);
    constexpr int version = 1;  // of what the functions of this folder make of a text
    auto const key = hash.add(version).add(tokenizer.content_hash()).add(count).value();
    if (auto rows = cache.find(key, count)) {
        if (how.progress) how.progress(count, count);
        return *std::move(rows);
    }
    token_rows rows(count);
    parallel_for(
        count, how.threads, [&](std::size_t i) { rows[i] = row(i); }, how.progress);
    cache.keep(key, rows);
    return rows;
}

}  // namespace proximal::text
