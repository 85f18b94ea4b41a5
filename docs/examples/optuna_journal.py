"""A search by several processes, on one machine or many, with a study in a shared file.

    python optuna_journal.py study.log 20 &
    python optuna_journal.py study.log 20 &

Each process takes trials until there are twenty in all.
"""

import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import eventprop as ep

data = ep.data.yinyang(train=1000, validation=500, test=10, trial=30.0, dt=0.1)


def objective(trial: optuna.Trial) -> float:
    net = ep.Network(dt=0.1, trial=30.0, seed=1)
    net.add_input("in", 5)
    net.add_lif("hid", trial.suggest_int("hidden", 20, 100), tau_mem=20.0, tau_syn=5.0)
    net.add_lif("out", 3, tau_mem=20.0, tau_syn=5.0)
    net.connect("in", "hid")
    net.connect("hid", "out")
    eta = trial.suggest_float("eta", 1e-3, 3e-2, log=True)
    net.fit(data.train, epochs=3, optimizer=ep.Adam(eta), solver="event")
    return net.score(data.validation, solver="event")


file, trials = sys.argv[1], int(sys.argv[2])
storage = JournalStorage(JournalFileBackend(file))
study = optuna.create_study(study_name="yinyang", storage=storage, direction="maximize", load_if_exists=True)
complete = optuna.study.MaxTrialsCallback(trials, states=(optuna.trial.TrialState.COMPLETE,))
study.optimize(objective, callbacks=[complete])
print(f"best {study.best_value:.3f} with {study.best_params} of {len(study.trials)} trials")
