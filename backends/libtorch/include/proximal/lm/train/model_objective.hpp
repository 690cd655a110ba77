// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_rows.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/distributed/sharded_backbone.hpp>
#include <proximal/lm/model/begin_training.hpp>
#include <proximal/lm/model/mixed_precision_backbone.hpp>
#include <proximal/lm/model/recomputing_backbone.hpp>
#include <proximal/lm/train/save_with_tokenizer.hpp>
#include <proximal/lm/train/supervised_objective.hpp>
#include <proximal/text/tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What objectives over rows of one kind and one model share: a causal_lm or a sequence_classifier with its tokenizer,
/// rows to train on and rows held out. What is derived says what a row's loss is and what is measured.
template <class Model, class Row>
class model_objective : public supervised_objective {
   public:
    std::int64_t size() const override { return std::ssize(train_); }
    bool can_evaluate() const override { return !eval_.empty(); }
    void begin() override { begin_training(model_); }
    void recompute_layers() override { model_.body = std::make_shared<recomputing_backbone>(model_.body); }
    parameter_units share_layers(std::shared_ptr<communicator> const& world) override {
        auto const shared = std::make_shared<sharded_backbone>(model_.body, world);
        model_.body = shared;
        return shared->units();
    }
    void compute_in(at::ScalarType dtype) override {
        model_.body = std::make_shared<mixed_precision_backbone>(model_.body, dtype);
    }
    std::vector<named_tensor> parameters() const override { return model_.parameters(); }
    std::vector<named_tensor> trainable_parameters() const override { return model_.trainable_parameters(); }
    void save(std::filesystem::path const& folder) const override { save_with_tokenizer(model_, folder, tokenizer_); }

    /// The model being trained, and its tokenizer.
    Model const& model() const { return model_; }
    text::tokenizer const& tokenizer() const { return tokenizer_; }

   protected:
    model_objective(Model model, text::tokenizer tokenizer, std::vector<Row> train, std::vector<Row> eval)
        : model_(std::move(model)),
          tokenizer_(std::move(tokenizer)),
          train_(std::move(train)),
          eval_(std::move(eval)) {}

    Row const& row(std::int64_t index) const { return train_[static_cast<std::size_t>(index)]; }
    std::vector<Row> batch_of(std::vector<std::int64_t> const& rows) const {
        std::vector<Row> batch;
        batch.reserve(rows.size());
        for (auto const index : rows) batch.push_back(row(index));
        return batch;
    }
    /// What `measure(batch)` says of the held-out rows, `chunk` at a time: this process's share of them, then all.
    template <class Measure>
    std::map<std::string, weighted_sum> measure_held_out(std::int64_t chunk, communicator& world,
                                                         Measure const& measure) const {
        std::map<std::string, weighted_sum> all;
        auto const [first, count] = share_of(std::ssize(eval_), world);
        for (std::int64_t at = first; at < first + count; at += chunk)
            add(all,
                measure(std::vector<Row>(eval_.begin() + at, eval_.begin() + std::min(first + count, at + chunk))));
        return is_shared_out(std::ssize(eval_), world) ? sum_over_processes(std::move(all), world) : all;
    }
    /// A number of the training rows, for their identity; `parts` are a row's lists of tokens.
    std::string fingerprint_of(std::initializer_list<std::vector<std::int64_t> Row::*> parts) const {
        std::vector<std::vector<std::int64_t>> all;
        for (auto const& row : train_)
            for (auto const part : parts) all.push_back(row.*part);
        return fingerprint(all, "texts");
    }

    Model model_;
    text::tokenizer tokenizer_;
    std::vector<Row> train_, eval_;
};

}  // namespace proximal::lm
