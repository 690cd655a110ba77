// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/gzip_file.hpp>
#include <proximal/io/running_hash.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::text {

/// Token ids, a list for each text.
using token_rows = std::vector<std::vector<std::int64_t>>;

/// Token ids kept in files by what they were made of: FOLDER/tokens/KEY.bin. A cache never stands in the way: what is
/// missing, damaged or of another version is not found, and what cannot be written is not kept.
///
/// A file: 8 bytes of version, the key, the number of rows (64 bits each), each row's size and then all ids (32 bits
/// each), and a hash of all before; in the machine's byte order.
class token_cache {
   public:
    /// An empty folder's name: nothing is kept.
    explicit token_cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The rows kept under a key, if there are `count`.
    std::optional<token_rows> find(std::uint64_t key, std::size_t count) const try {
        if (folder_.empty() || !std::filesystem::exists(path_of(key))) return std::nullopt;
        auto const bytes = io::read_gzip_or_plain(path_of(key));
        auto const head = header(key, count);
        std::size_t at = head.size();
        if (!bytes.starts_with(head) || bytes.size() < at + 4 * count + sizeof(std::uint64_t)) return std::nullopt;
        auto const body = bytes.size() - sizeof(std::uint64_t);
        std::uint64_t hash = 0;
        std::memcpy(&hash, bytes.data() + body, sizeof hash);
        if (io::running_hash().add(std::string_view(bytes).substr(0, body)).value() != hash) return std::nullopt;
        auto const number = [&] {
            std::int32_t value = 0;
            std::memcpy(&value, bytes.data() + at, sizeof value);
            at += sizeof value;
            return value;
        };
        token_rows rows(count);
        std::size_t ids = 0;
        for (auto& row : rows) row.resize(static_cast<std::uint32_t>(number())), ids += row.size();
        if (at + 4 * ids != body) return std::nullopt;
        for (auto& row : rows)
            for (auto& id : row) id = number();
        return rows;
    } catch (std::exception const&) {
        return std::nullopt;
    }

    /// Keeps rows under a key, as far as that can be done.
    void keep(std::uint64_t key, token_rows const& rows) const try {
        if (folder_.empty()) return;
        auto bytes = header(key, rows.size());
        auto const append = [&](std::int64_t value) {
            auto const number = static_cast<std::int32_t>(value);
            bytes.append(reinterpret_cast<char const*>(&number), sizeof number);
        };
        for (auto const& row : rows) append(std::ssize(row));
        for (auto const& row : rows)
            for (auto const id : row) append(id);
        auto const hash = io::running_hash().add(bytes).value();
        bytes.append(reinterpret_cast<char const*>(&hash), sizeof hash);
        std::filesystem::create_directories(path_of(key).parent_path());
        io::write_file(path_of(key), bytes);
    } catch (std::exception const&) {
        // a full disk, a folder that is not ours: the ids are made again
    }

    std::filesystem::path path_of(std::uint64_t key) const {
        return folder_ / "tokens" / fmt::format("{:016x}.bin", key);
    }

   private:
    static std::string header(std::uint64_t key, std::size_t count) {
        std::string bytes = "pxtoken1";
        for (auto const number : {key, static_cast<std::uint64_t>(count)})
            bytes.append(reinterpret_cast<char const*>(&number), sizeof number);
        return bytes;
    }

    std::filesystem::path folder_;
};

}  // namespace proximal::text
