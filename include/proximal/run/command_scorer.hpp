// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <proximal/io/command_words.hpp>
#include <proximal/io/line_process.hpp>
#include <proximal/run/score_lines.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// A program that scores texts: one line of JSON to it for each, one line back (score_lines.hpp).
///
/// The program is started here, so that a wrong name is found before a run begins, and runs on from batch to batch: it
/// may load a model once. After an error it is ended, and started anew by the next call, which shares nothing with
/// the one that failed.
/// Throws std::invalid_argument for a command or a time that cannot be meant, std::runtime_error as line_process does
/// and where an answer is no score, naming which.
class command_scorer {
   public:
    using seconds = std::chrono::duration<double>;

    /// `command` is cut into words as a shell cuts it (command_words.hpp). `timeout` is for a whole batch.
    command_scorer(std::string const& command, seconds timeout)
        : command_(io::command_words(command)), timeout_(timeout) {
        if (command_.empty()) throw std::invalid_argument("the reward command is empty; name the program to run");
        for (std::string_view const sign : {"|", "||", "&", "&&", ";", "<", ">", ">>"})
            if (std::find(command_.begin(), command_.end(), sign) != command_.end())
                throw std::invalid_argument(fmt::format(
                    "the reward command holds '{0}', and no shell reads it: write sh -c '... {0} ...'", sign));
        if (!(timeout > seconds(0)))
            throw std::invalid_argument(
                fmt::format("the time-out of {} is {:g} s; it must be above 0", command, timeout.count()));
        program_.emplace(command_);
    }

    /// One verdict for each episode, in order.
    std::vector<text_score> operator()(std::vector<text::text_episode> const& episodes) {
        std::vector<std::string> requests;
        requests.reserve(episodes.size());
        for (auto const& episode : episodes) requests.push_back(score_request(episode));
        if (!program_) program_.emplace(command_);
        try {
            return scores(program_->exchange(requests, timeout_));
        } catch (...) {
            program_.reset();
            throw;
        }
    }

   private:
    std::vector<text_score> scores(std::vector<std::string> const& answers) const {
        std::vector<text_score> result;
        for (auto const& answer : answers) try {
                result.push_back(parse_score(answer));
            } catch (std::invalid_argument const& error) {
                throw std::runtime_error(
                    fmt::format("{} answered line {} of {} by {}; for each line it must write a finite number or "
                                "{{\"score\": number}} on a line of its own, and log to stderr",
                                program_->name(), result.size() + 1, answers.size(), error.what()));
            }
        return result;
    }

    std::vector<std::string> command_;
    seconds timeout_;
    std::optional<io::line_process> program_;
};

}  // namespace proximal::run
