// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace proximal::run {

/// Environment variables by name; none where one is not set.
using environment = std::function<std::optional<std::string>(std::string const&)>;

/// Those of this process.
inline std::optional<std::string> process_environment(std::string const& name) {
    char const* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

/// What a launcher told this process: which of how many it is, which of those on its host, and where all meet.
struct launch {
    std::int64_t rank = 0, world_size = 1;              // this process, in [0, world_size)
    std::int64_t local_rank = 0, local_world_size = 1;  // of those on its host, and so which device is its own
    std::string master_addr = {};                       // the host of rank 0; empty where no one else is to be met
    std::int64_t master_port = 0;
    bool agent_store = false;                          // torchrun itself listens there: no process opens the port
    std::int64_t restart_count = 0, max_restarts = 0;  // how often torchrun has started all anew, and how often it will
    std::string launcher = {};                         // "torchrun", "SLURM", "Open MPI", "MPICH"; empty: none
    std::string run_id = {};                           // torchrun's --rdzv-id
};

namespace detail {
inline constexpr std::string_view torchrun_command = "`torchrun --no-python --nproc-per-node N PROGRAM FLAGS`";

/// The variables by which a launcher says which process this is.
struct launcher_variables {
    std::string launcher, rank, world_size, local_rank, local_world_size;
    std::string remedy;  // where they do not fit together
};

/// A launcher's variables as numbers and words, or one sentence that names the variable and the remedy. A variable
/// that is set to nothing is not set.
class launch_reader {
   public:
    launch_reader(environment const& variables, launcher_variables names)
        : variables_(variables), names_(std::move(names)) {}

    std::optional<std::string> text(std::string const& name) const {
        auto value = variables_(name);
        if (value && value->empty()) value.reset();
        return value;
    }
    std::optional<std::int64_t> number(std::string const& name) const {
        auto const given = text(name);
        if (!given) return std::nullopt;
        std::int64_t value = 0;
        auto const [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
        if (error != std::errc{} || end != given->data() + given->size() || value < 0)
            refuse("{} is '{}', and must be a whole number, 0 or more", name, *given);
        return value;
    }

    /// Which process this is, of how many.
    launch ranks() const {
        launch told{.launcher = names_.launcher};
        pair(names_.rank, told.rank, names_.world_size, told.world_size);
        return told;
    }
    /// The same on its host.
    void local_ranks(launch& told) const {
        pair(names_.local_rank, told.local_rank, names_.local_world_size, told.local_world_size);
        check_local(told);
    }
    void check_local(launch const& told) const {
        if (told.local_world_size > told.world_size)
            refuse("{} says that {} processes are on this host, and {} that there are {} in all",
                   names_.local_world_size, told.local_world_size, names_.world_size, told.world_size);
    }
    /// Throws unless `rank` is one of `size`.
    void check_rank(std::string const& rank_name, std::int64_t rank, std::string const& size_name,
                    std::int64_t size) const {
        if (size < 1) refuse("{} is 0, and must be at least 1", size_name);
        if (rank >= size) refuse("{} is {}, and must be below {}, which is {}", rank_name, rank, size_name, size);
    }
    /// Where all meet: MASTER_ADDR and MASTER_PORT, or what is known without them.
    void meeting(launch& told, std::optional<std::string> const& address, std::optional<std::int64_t> port) const {
        auto const missing = [&](std::string_view name, std::string_view what) {
            throw std::invalid_argument(
                fmt::format("{} is not set, and {} processes must meet: set it to {}, on all of them, or launch by {}",
                            name, told.world_size, what, torchrun_command));
        };
        if (auto const given = text("MASTER_ADDR")) told.master_addr = *given;
        else if (address) told.master_addr = *address;
        else if (told.world_size > 1) missing("MASTER_ADDR", "the host of rank 0");
        if (auto const given = number("MASTER_PORT")) told.master_port = *given;
        else if (port) told.master_port = *port;
        else if (told.world_size > 1) missing("MASTER_PORT", "a free port there, as 29500");
        else return;
        if (told.master_port < 1 || told.master_port > 65535)
            throw std::invalid_argument(fmt::format(
                "MASTER_PORT is {}, and a port is 1 to 65535: set it to a free one, as 29500", told.master_port));
    }

    /// Throws the sentence, with the launcher's remedy.
    template <class... Values>
    [[noreturn]] void refuse(fmt::format_string<Values const&...> sentence, Values const&... values) const {
        throw std::invalid_argument(fmt::format(sentence, values...) + ": " + names_.remedy);
    }

   private:
    void pair(std::string const& rank_name, std::int64_t& rank, std::string const& size_name,
              std::int64_t& size) const {
        auto const r = number(rank_name), n = number(size_name);
        if (!r && !n) refuse("{} and {} are not set", rank_name, size_name);
        if (!r || !n) refuse("{} is set and {} is not", r ? rank_name : size_name, r ? size_name : rank_name);
        rank = *r, size = *n;
        check_rank(rank_name, rank, size_name, size);
    }

    environment const& variables_;
    launcher_variables names_;
};

/// A node's tasks in SLURM's list: in "8(x2),4" the third node's are 4. None where there is no such node, or no list.
inline std::optional<std::int64_t> tasks_of_node(std::string_view list, std::int64_t node) {
    auto const take = [&](std::int64_t& number) {
        auto const [end, error] = std::from_chars(list.data(), list.data() + list.size(), number);
        list.remove_prefix(static_cast<std::size_t>(end - list.data()));
        return error == std::errc{} && number > 0;
    };
    for (std::int64_t tasks = 0, nodes = 1; take(tasks); nodes = 1, list.remove_prefix(1)) {
        if (list.starts_with("(x")) {
            list.remove_prefix(2);
            if (!take(nodes) || !list.starts_with(')')) return std::nullopt;
            list.remove_prefix(1);
        }
        if (!list.empty() && list.front() != ',') return std::nullopt;
        if (node < nodes) return tasks;
        node -= nodes;
        if (list.empty()) return std::nullopt;
    }
    return std::nullopt;
}

/// Where processes meet that are all on one host, or elsewhere.
inline std::optional<std::string> this_host_or(launch const& told, std::optional<std::string> elsewhere) {
    return told.local_world_size == told.world_size ? "127.0.0.1" : std::move(elsewhere);
}

inline launch read_torchrun(environment const& variables) {
    launch_reader const read(variables, {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE",
                                         fmt::format("launch by {}, which sets all of them, or unset RANK and "
                                                     "WORLD_SIZE to run alone",
                                                     torchrun_command)});
    auto told = read.ranks();
    if (auto const rank = read.number("LOCAL_RANK"), size = read.number("LOCAL_SIZE");  // DeepSpeed's launcher
        rank && size && !read.text("LOCAL_WORLD_SIZE")) {
        told.local_rank = *rank, told.local_world_size = *size;
        read.check_rank("LOCAL_RANK", *rank, "LOCAL_SIZE", *size);
        read.check_local(told);
    } else if (read.text("LOCAL_RANK") || read.text("LOCAL_WORLD_SIZE")) {
        read.local_ranks(told);
    }  // else it is alone on its host, as Kubernetes starts one a pod
    read.meeting(told, {}, {});
    auto const agent = read.text("TORCHELASTIC_USE_AGENT_STORE");
    told.agent_store = agent == "True" || agent == "true" || agent == "1";
    told.restart_count = read.number("TORCHELASTIC_RESTART_COUNT").value_or(0);
    told.max_restarts = read.number("TORCHELASTIC_MAX_RESTARTS").value_or(0);
    told.run_id = read.text("TORCHELASTIC_RUN_ID").value_or("");
    return told;
}

inline launch read_slurm(environment const& variables) {
    launch_reader const read(variables, {"SLURM", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID",
                                         "SLURM_STEP_TASKS_PER_NODE", "launch by `srun`, which sets it"});
    auto told = read.ranks();
    if (told.world_size == 1) return {};
    auto const local = read.number("SLURM_LOCALID");
    if (!local) read.refuse("SLURM_LOCALID is not set");
    auto const list = read.text("SLURM_STEP_TASKS_PER_NODE");
    if (!list) read.refuse("SLURM_STEP_TASKS_PER_NODE is not set");
    auto const node = read.number("SLURM_NODEID").value_or(0);
    auto const tasks = tasks_of_node(*list, node);
    if (!tasks) read.refuse("SLURM_STEP_TASKS_PER_NODE is '{}', which names no tasks of node {}", *list, node);
    told.local_rank = *local, told.local_world_size = *tasks;
    read.check_rank("SLURM_LOCALID", told.local_rank, "this node's count in SLURM_STEP_TASKS_PER_NODE", *tasks);
    read.check_local(told);
    auto port = read.number(read.text("SLURM_JOB_ID") ? "SLURM_JOB_ID" : "SLURM_JOBID");
    if (port) port = 15000 + *port % 20000;  // jobs that share a node have ports of their own
    read.meeting(told, this_host_or(told, read.text("SLURM_LAUNCH_NODE_IPADDR")), port);
    return told;
}

inline launch read_mpi(environment const& variables, launcher_variables names) {
    launch_reader const read(variables, std::move(names));
    auto told = read.ranks();
    if (told.world_size == 1) return {};
    read.local_ranks(told);
    read.meeting(told, this_host_or(told, std::nullopt), 29500);
    return told;
}
}  // namespace detail

/// What the environment says of the processes that train together. The first of these that is there counts:
///
/// - RANK and WORLD_SIZE, with LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT and TORCHELASTIC_*: torchrun,
///   `accelerate launch`, DeepSpeed's launcher, Kubernetes. Of a world of 1 this is a launch too: torchrun restarts it.
/// - OMPI_COMM_WORLD_*: Open MPI's mpirun. PMI_* with MPI_LOCAL*: that of MPICH and Intel MPI.
/// - SLURM_STEP_NUM_TASKS with SLURM_PROCID: srun. A batch script has SLURM_PROCID without a step, and is alone.
///
/// By mpirun and srun they meet at MASTER_ADDR, or where there is one host at 127.0.0.1. On several srun's meet at
/// the node that called it, which is rank 0's in a batch script and not on a login node. The port is MASTER_PORT, or
/// mpirun's 29500, or follows from SLURM's number of the job.
/// mpirun goes before srun: within a job it starts its daemons by srun, and processes have the daemons' variables
/// too, which count daemons. Where PMI_SIZE is the step's number of tasks, srun itself speaks PMI.
/// Throws std::invalid_argument, one sentence, where variables do not fit together.
inline launch read_launch(environment const& variables = process_environment) {
    auto const text = [&](std::string const& name) { return variables(name).value_or(""); };
    auto const has_any = [&](char const* a, char const* b) { return !text(a).empty() || !text(b).empty(); };
    auto const by_mpirun = "launch by `mpirun`, which sets it";
    if (has_any("RANK", "WORLD_SIZE")) return detail::read_torchrun(variables);
    if (has_any("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))
        return detail::read_mpi(variables, {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                                            "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", by_mpirun});
    auto const step = text("SLURM_STEP_NUM_TASKS");
    if (has_any("PMI_RANK", "PMI_SIZE") && (step.empty() || text("PMI_SIZE") != step))
        return detail::read_mpi(variables,
                                {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", by_mpirun});
    return step.empty() ? launch{} : detail::read_slurm(variables);
}

}  // namespace proximal::run
