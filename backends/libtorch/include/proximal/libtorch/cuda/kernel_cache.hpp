// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace proximal::libtorch::cuda {

/// Compiled kernels kept in files: FOLDER/kernels/HASH.cubin, by all that the compiler was given and its version.
///
/// A cache never stands in the way: what is missing, cut short, damaged or of another text that has the same hash is
/// compiled anew, and what cannot be written is not kept. A file takes its place whole, so that processes may share the
/// folder, and may be deleted at any time.
///
/// A file: what the kernel was made of, a byte 0, the machine code, and 8 bytes of a hash of all before.
class kernel_cache {
   public:
    /// An empty folder's name: nothing is kept.
    explicit kernel_cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The machine code made of `source`: as it was kept, else as `compile` gives it, which is then kept.
    std::string get(std::string const& source, std::function<std::string()> const& compile) const {
        if (folder_.empty()) return compile();
        if (auto kept = read(source)) return *kept;
        auto const made = compile();
        keep(source, made);
        return made;
    }
    /// Where the kernel made of `source` lies.
    std::filesystem::path path_of(std::string const& source) const {
        std::array<char, 24> name{};
        std::snprintf(name.data(), name.size(), "%016llx.cubin", static_cast<unsigned long long>(hash_of(source)));
        return folder_ / "kernels" / name.data();
    }

   private:
    /// Source: Fowler, Noll and Vo, FNV-1a, 64 bits: against damage, not against an attacker.
    static std::uint64_t hash_of(std::string_view bytes) {
        std::uint64_t hash = 14695981039346656037u;
        for (unsigned char const byte : bytes) hash = (hash ^ byte) * 1099511628211u;
        return hash;
    }
    static std::string seal_of(std::string_view bytes) {
        std::uint64_t hash = hash_of(bytes);
        std::string seal;
        for (int i = 0; i < 8; ++i, hash >>= 8) seal.push_back(static_cast<char>(hash & 255));
        return seal;
    }
    std::optional<std::string> read(std::string const& source) const {
        std::ifstream in(path_of(source), std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(in), {}};
        std::size_t const head = source.size() + 1;
        if (bytes.size() <= head + 8 || bytes.compare(0, head, source + '\0') != 0) return std::nullopt;
        auto const body = std::string_view(bytes).substr(0, bytes.size() - 8);
        if (seal_of(body) != std::string_view(bytes).substr(body.size())) return std::nullopt;
        return std::string(body.substr(head));
    }
    void keep(std::string const& source, std::string const& made) const {
        std::error_code fails;
        auto const path = path_of(source);
        std::filesystem::create_directories(path.parent_path(), fails);
        auto const beside = std::filesystem::path(path.string() + ".part-" + std::to_string(::getpid()));
        auto const body = source + '\0' + made;
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out << body << seal_of(body);
        out.close();
        if (out) std::filesystem::rename(beside, path, fails);
        if (!out || fails) std::filesystem::remove(beside, fails);
    }

    std::filesystem::path folder_;
};

}  // namespace proximal::libtorch::cuda
