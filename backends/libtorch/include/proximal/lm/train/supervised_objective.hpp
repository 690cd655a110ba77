// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/train/checkpoint.hpp>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// A sum of which a metric is the mean: the sum, and what it is divided by.
struct weighted_sum {
    double sum = 0.0, weight = 0.0;
};

/// The loss of some rows, and what was measured on the way.
struct objective_sums {
    at::Tensor total;                             // [] Σ of the rows' losses, differentiable
    std::map<std::string, weighted_sum> numbers;  // metrics by name
};

/// Adds what was measured of more rows.
inline void add(std::map<std::string, weighted_sum>& to, std::map<std::string, weighted_sum> const& more) {
    for (auto const& [name, number] : more) {
        to[name].sum += number.sum;
        to[name].weight += number.weight;
    }
}

/// What was measured on all processes, each of which measured the same things.
inline std::map<std::string, weighted_sum> sum_over_processes(std::map<std::string, weighted_sum> sums,
                                                              communicator& world) {
    if (world.world_size() == 1) return sums;
    for (auto& [name, number] : sums) {
        at::Tensor both = at::tensor({number.sum, number.weight}, at::kDouble);
        world.all_reduce_sum(both);
        number = {both[0].item<double>(), both[1].item<double>()};
    }
    return sums;
}

/// What a supervised_trainer minimises: a loss that is a mean over weighted rows, of one model.
///
/// Rows are numbered from 0. A row's loss must not depend on the rows beside it, so that a batch may be split into
/// micro-batches at will and the gradient stays the same.
class supervised_objective {
   public:
    virtual ~supervised_objective() = default;

    /// The rows to train on, and the tokens of one.
    virtual std::int64_t size() const = 0;
    virtual std::int64_t tokens(std::int64_t row) const = 0;
    /// The weight of a row: the loss of a batch is Σ losses / Σ weights.
    virtual double weight(std::int64_t row) const = 0;
    /// The loss of rows of the training data.
    virtual objective_sums loss(std::vector<std::int64_t> const& rows) const = 0;

    /// Whether there are evaluation data; their metrics, "eval/..." each, `chunk` rows a forward pass. The processes
    /// share the rows out, and each gets the metrics of all.
    virtual bool can_evaluate() const = 0;
    virtual run::metrics evaluate(std::int64_t chunk, communicator& world) = 0;
    /// The names that evaluate() will give; none where they are not known before.
    virtual std::vector<std::string> evaluated_metrics() const { return {}; }
    /// A table of what the model makes of the first evaluation rows; none where it makes nothing to show.
    virtual run::completions_table samples(std::int64_t) { return {}; }

    /// The model: its parameters' learning is begun, it is saved as a Hugging Face folder.
    virtual void begin() = 0;
    virtual void recompute_layers() = 0;
    /// Leaves each process a slice of the layers, and gives them (--sharding zero3).
    virtual parameter_units share_layers(std::shared_ptr<communicator> const& world) = 0;
    virtual void compute_in(at::ScalarType dtype) = 0;  // see mixed_precision_backbone
    virtual std::vector<named_tensor> parameters() const = 0;
    virtual std::vector<named_tensor> trainable_parameters() const = 0;
    virtual void save(std::filesystem::path const& folder) const = 0;
    /// What a resumed run must be given alike: data and numbers of the loss.
    virtual run_identity identity() const = 0;
};

}  // namespace proximal::lm
