// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace proximal::io {

/// A file that grows while a program runs, each piece flushed as it is written.
///
/// A file that was deleted, moved or replaced, with its folder perhaps, would take what is written and lose it, and
/// nothing would fail: so each piece is preceded by a look at whether the file is still there. Where it is not, the
/// file is begun anew, or gone on with where another took its place, and a note on stderr says so.
class growing_file {
   public:
    /// Opens the file, to begin it anew or to go on after what it holds. What cannot be opened fails with the first
    /// piece.
    void open(std::filesystem::path path, std::ios::openmode mode) {
        path_ = std::move(path);
        stream_ = std::ofstream(path_, std::ios::binary | mode);
        is_known_ = look(here_);
    }
    void close() { stream_.close(); }
    bool is_open() const { return stream_.is_open(); }
    std::filesystem::path const& path() const { return path_; }
    /// What the file must begin with, where it is begun anew while it is written.
    void begins_with(std::string text) { first_ = std::move(text); }

    /// Appends a piece. Throws std::runtime_error, with the file's name and the remedy, where it cannot be written.
    void write(std::string_view piece) {
        struct stat now {};
        if (is_known_ && !(look(now) && now.st_ino == here_.st_ino && now.st_dev == here_.st_dev)) renew();
        stream_.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush();
        if (!stream_) throw std::runtime_error(path_.string() + " cannot be written: check permissions and free space");
    }

   private:
    bool look(struct stat& found) const { return ::stat(path_.c_str(), &found) == 0; }
    void renew() {
        std::fprintf(stderr,
                     "\nnote       %s or its folder was deleted, moved or replaced while it was written to: what "
                     "follows is written there anew\n",
                     path_.c_str());
        std::error_code ignored;
        std::filesystem::create_directories(path_.parent_path(), ignored);
        open(path_, std::ios::app);
        if (is_known_ && here_.st_size == 0) stream_ << first_;
    }

    std::filesystem::path path_;
    std::ofstream stream_;
    std::string first_{};
    struct stat here_ {};
    bool is_known_ = false;
};

}  // namespace proximal::io
