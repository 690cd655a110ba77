// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/growing_file.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// The whole lines of a file, without their line breaks: what a killed program began and did not end is left out. None
/// where there is no such file.
inline std::vector<std::string> whole_lines(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::string const file(std::istreambuf_iterator<char>(in), {});
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; (end = file.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(file.substr(at, end - at));
    return lines;
}

/// A file of lines that a resumed run goes on with: each flushed as it is written, none twice.
class line_log {
   public:
    /// Begins the file anew.
    void begin(std::filesystem::path path) { out_.open(std::move(path), std::ios::trunc); }

    /// Goes on after those whole lines of the file that `is_kept(line)` keeps; the others are dropped, the file written
    /// beside and renamed. Gives the lines kept.
    std::vector<std::string> go_on(std::filesystem::path path, std::function<bool(std::string const&)> const& is_kept) {
        auto lines = whole_lines(path);
        std::erase_if(lines, [&](std::string const& line) { return !is_kept(line); });
        replace(std::move(path), lines);
        return lines;
    }

    /// Begins JSON lines where `update` is 0, and else goes on after those whose "update" is not beyond it.
    void begin_or_go_on(std::filesystem::path path, std::int64_t update) {
        if (update == 0) return begin(std::move(path));
        go_on(std::move(path), [update](std::string const& line) {
            auto const object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
            return object.is_object() && object.value("update", nlohmann::json()).is_number() &&
                   object["update"] <= update;
        });
    }

    /// Puts other lines into the file, and goes on after them.
    void replace(std::filesystem::path path, std::vector<std::string> const& lines) {
        std::string text;
        for (auto const& line : lines) text += line + '\n';
        out_.close();
        std::error_code ignored;
        std::filesystem::create_directories(path.parent_path(), ignored);
        io::write_file(path, text);
        out_.open(std::move(path), std::ios::app);
    }

    /// The line that the file must begin with, where it is begun anew while it is written: see growing_file.
    void begins_with(std::string const& line) { out_.begins_with(line + '\n'); }

    /// Appends a line. Throws std::runtime_error where it cannot be written.
    void write(std::string_view line) { out_.write(std::string(line) + '\n'); }

    /// Whether begin() or go_on() was called.
    bool is_open() const { return out_.is_open(); }

   private:
    io::growing_file out_;
};

}  // namespace proximal::run
