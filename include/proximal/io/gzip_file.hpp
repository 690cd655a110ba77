// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace proximal::io {

/// A whole file's bytes, and those that are in it where it is compressed by gzip, which its first bytes tell.
/// Of more than `most` bytes, the first, not always cut exactly there.
/// Throws std::runtime_error, naming the file, where it cannot be read or is compressed and cut short or damaged.
inline std::string read_gzip_or_plain(std::filesystem::path const& path, std::size_t most = std::string::npos) {
    std::unique_ptr<gzFile_s, decltype(&::gzclose)> const file(::gzopen(path.c_str(), "rb"), &::gzclose);
    if (!file || std::filesystem::is_directory(path))
        throw std::runtime_error(path.string() + " cannot be read; check that it is a file and its permissions");
    ::gzbuffer(file.get(), 1 << 18);
    std::string bytes;
    auto const step = std::min<std::size_t>(most, 1 << 20);
    for (;;) {
        auto const before = bytes.size();
        bytes.resize(before + step);
        int const count = ::gzread(file.get(), bytes.data() + before, static_cast<unsigned>(step));
        int trouble = Z_OK;
        ::gzerror(file.get(), &trouble);
        if (count < 0 || trouble == Z_BUF_ERROR)
            throw std::runtime_error(fmt::format("{} is compressed by gzip and {}; fetch or write it again",
                                                 path.string(),
                                                 trouble == Z_BUF_ERROR ? "was cut short" : "is damaged"));
        bytes.resize(before + static_cast<std::size_t>(count));
        if (count == 0 || bytes.size() >= most) return bytes;
    }
}

}  // namespace proximal::io
