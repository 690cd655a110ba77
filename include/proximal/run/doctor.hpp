// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/run/diagnoses.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::run {

/// Watches a run and says what is wrong, one sentence with the remedy each: on stderr as "doctor     ...", and in
/// OUTPUT_DIR/findings.jsonl as {"update", "kind", "sentence"}. The file is there, empty, where nothing is.
///
/// Each kind is said once, and again only when it comes back after it was away for `thresholds::window` updates. It
/// changes nothing of the run. What it watches for: diagnoses.hpp.
class doctor final : public trainer_callback {
   public:
    explicit doctor(diagnosed_run run, std::FILE* stream = stderr) : run_(run), stream_(stream) {}

    void on_train_begin(trainer_state& state) override {
        if (state.update == 0) history_ = {}, last_seen_.clear();
        out_.begin_or_go_on(state.output_dir / "findings.jsonl", state.update);
    }
    void on_log(trainer_state& state, metrics const& logged) override {
        history_.add(logged);
        look(state);
    }
    void on_completions(trainer_state& state, completions_table const& table) override {
        history_.add(table);
        look(state);
    }
    void on_evaluate(trainer_state& state, metrics const& measured) override {
        auto const* const scores = measured.find("eval/scores");
        if (scores == nullptr || std::isfinite(*scores)) return;
        tell(state, {"evaluation",
                     "eval/scores is no number: no answer to the evaluation prompts got a finite score; check "
                     "the reward, and that it scores these prompts"});
    }
    void visit_state(state_archive& archive) override {
        archive.within("history", history_);
        std::string text = nlohmann::json(last_seen_).dump();
        archive("last_seen", text);
        last_seen_ = nlohmann::json::parse(text).get<std::map<std::string, std::int64_t>>();
    }

    /// How many findings were told.
    std::int64_t told() const { return told_; }

   private:
    void look(trainer_state const& state) {
        for (auto const& one : diagnoses(history_, run_)) tell(state, one);
    }
    void tell(trainer_state const& state, diagnosis const& one) {
        auto const [seen, is_new] = last_seen_.try_emplace(one.kind, state.update);
        auto const before = std::exchange(seen->second, state.update);
        if (!is_new && state.update - before <= static_cast<std::int64_t>(thresholds::window)) return;
        ++told_;
        if (::isatty(::fileno(stream_)) != 0) fmt::print(stream_, "\r\033[K");  // a progress bar comes back by itself
        fmt::print(stream_, "doctor     update {}: {}\n", state.update, one.sentence);
        std::fflush(stream_);
        if (!out_.is_open()) return;  // steps driven by hand
        nlohmann::ordered_json const finding{{"update", state.update}, {"kind", one.kind}, {"sentence", one.sentence}};
        out_.write(finding.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }

    diagnosed_run run_;
    std::FILE* stream_;
    run_history history_;
    std::map<std::string, std::int64_t> last_seen_;  // update at which a kind was last there
    std::int64_t told_ = 0;
    line_log out_;
};

}  // namespace proximal::run
