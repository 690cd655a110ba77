// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/judge/comparison.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/random_stream.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::judge {

/// What an answer is kept under: a hash, of 128 bits, of all that it depends on.
inline std::string answer_key(std::string_view model, std::string_view url, std::string_view prompt, bool model_first) {
    std::string whole;
    for (auto const part : {model, url, prompt}) whole += fmt::format("{}:{}", part.size(), part);
    whole += model_first ? '1' : '0';
    return fmt::format("{:016x}{:016x}", run::stream_seed(0, whole), run::stream_seed(0x9e3779b97f4a7c15u, whole));
}

/// An answer that was had, and what it took.
struct kept_answer {
    std::string text;
    token_usage usage{};
};

/// Answers in a file, a line of JSON each, written as they come: who is stopped and started again asks only for the
/// others. A line that is damaged, as the last one of a program that was killed may be, is passed over. The file only
/// grows, each line by one write, so that two programs may share it. Prompts and keys are not in it.
///
/// Throws std::runtime_error, naming the file and the system's reason, where it cannot be opened or written.
class answer_cache {
   public:
    explicit answer_cache(std::filesystem::path path) : path_(std::move(path)) {
        for (auto const& line : run::whole_lines(path_)) {
            auto const entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
            if (!entry.is_object()) continue;
            try {
                answers_[entry.at("key")] = {
                    .text = entry.at("text"),
                    .usage = {entry.at("prompt_tokens"), entry.at("completion_tokens")},
                };
            } catch (nlohmann::json::exception const&) {}
        }
        file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (file_ < 0) fail("cannot be opened");
        char last = '\n';
        if (auto const size = ::lseek(file_, 0, SEEK_END); size > 0 && ::pread(file_, &last, 1, size - 1) != 1)
            last = 0;
        if (last != '\n') write("\n");  // what is half a line stays by itself
    }
    answer_cache(answer_cache const&) = delete;
    answer_cache& operator=(answer_cache const&) = delete;
    ~answer_cache() {
        if (file_ >= 0) ::close(file_);
    }

    std::optional<kept_answer> find(std::string const& key) const {
        std::lock_guard const lock(mutex_);
        auto const found = answers_.find(key);
        return found == answers_.end() ? std::nullopt : std::optional(found->second);
    }

    void keep(std::string const& key, kept_answer answer) {
        nlohmann::ordered_json const entry = {{"key", key},
                                              {"text", answer.text},
                                              {"prompt_tokens", answer.usage.prompt_tokens},
                                              {"completion_tokens", answer.usage.completion_tokens}};
        std::lock_guard const lock(mutex_);
        write(entry.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + '\n');
        answers_[key] = std::move(answer);
    }

    std::int64_t size() const {
        std::lock_guard const lock(mutex_);
        return static_cast<std::int64_t>(answers_.size());
    }

   private:
    [[noreturn]] void fail(std::string_view what) const {
        throw std::runtime_error(fmt::format("{} {}: {}; check the folder's permissions and free space", path_.string(),
                                             what, std::strerror(errno)));
    }
    void write(std::string const& line) {
        for (std::string_view rest = line; !rest.empty();) {
            auto const n = ::write(file_, rest.data(), rest.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail("cannot be written");
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
    }

    std::filesystem::path path_;
    mutable std::mutex mutex_;
    std::map<std::string, kept_answer> answers_;
    int file_ = -1;
};

}  // namespace proximal::judge
