//! The split of a set into samples for training and for validation.

use eventprop::rng::{Key, Purpose};
use eventprop_data::binned::{EventSet, speaker_ids};

use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

/// Samples of a set by number, for training and for validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// For training.
    pub train: Vec<usize>,
    /// For validation.
    pub validation: Vec<usize>,
}

/// The samples of the classes that are kept (`REDUCED_CLASSES`), in the order of the file.
pub fn kept(params: &Parameters, set: &dyn EventSet) -> Vec<usize> {
    let count = set.labels().len();
    let Value::List(classes) = params.get("REDUCED_CLASSES") else {
        return (0..count).collect();
    };
    let kept = |sample: &usize| classes.contains(&Value::Int(i64::from(set.labels()[*sample])));
    (0..count).filter(kept).collect()
}

/// The samples in an order drawn under a seed.
pub fn permuted(samples: &[usize], seed: u32) -> Vec<usize> {
    let order = Key::new(u64::from(seed), Purpose::Split).permutation(samples.len());
    order.into_iter().map(|place| samples[place]).collect()
}

/// `EVALUATION=random`: `N_VALIDATE` samples are drawn for validation; of the others at most `N_TRAIN` are
/// trained on.
pub fn random(params: &Parameters, samples: &[usize], seed: u32) -> Result<Split, ParamError> {
    let mut train = permuted(samples, seed);
    let validate = params.count("N_VALIDATE");
    if validate >= train.len() {
        return Err(ParamError::Combination {
            key: "N_VALIDATE",
            found: validate.to_string(),
            problem: format!(
                "there are {} samples in all, so none is left for training",
                train.len()
            ),
            way_out: "choose fewer, or 0 for no validation".to_owned(),
        });
    }
    let count = params.count("N_TRAIN").min(train.len() - validate);
    let validation = train[count..count + validate].to_vec();
    train.truncate(count);
    Ok(Split { train, validation })
}

/// The people of some samples, in an order drawn under a seed.
fn people(set: &dyn EventSet, samples: &[usize], seed: u32) -> Vec<u16> {
    let speakers = set.speakers().unwrap_or_default();
    let mut ids: Vec<u16> = samples.iter().map(|&sample| speakers[sample]).collect();
    ids.sort_unstable();
    ids.dedup();
    let order = Key::new(u64::from(seed), Purpose::Split).with(2);
    let order = order.permutation(ids.len());
    order.into_iter().map(|place| ids[place]).collect()
}

/// The samples of everybody else, and those of some people, both in the order of the file.
pub fn without(set: &dyn EventSet, samples: &[usize], people: &[u16]) -> Split {
    let speakers = set.speakers().unwrap_or_default();
    let is_left = |sample: &&usize| people.contains(&speakers[**sample]);
    let (validation, train) = samples.iter().partition(is_left);
    Split { train, validation }
}

/// `EVALUATION=random` where people must not be on both sides: people are drawn until they have at least
/// `N_VALIDATE` samples; of the samples of the others at most `N_TRAIN` are trained on.
pub fn random_people(
    params: &Parameters,
    set: &dyn EventSet,
    samples: &[usize],
    seed: u32,
) -> Result<Split, ParamError> {
    let wanted = params.count("N_VALIDATE");
    let people = people(set, samples, seed);
    let enough = (1..people.len())
        .map(|count| without(set, samples, &people[..count]))
        .find(|split| split.validation.len() >= wanted);
    let Some(mut split) = enough else {
        return Err(ParamError::Combination {
            key: "N_VALIDATE",
            found: wanted.to_string(),
            problem: format!(
                "the {} samples are of {} {}s, so none is left for training",
                samples.len(),
                people.len(),
                params.benchmark().person()
            ),
            way_out: "choose fewer, or 0 for no validation".to_owned(),
        });
    };
    split.train = permuted(&split.train, seed);
    split.train.truncate(params.count("N_TRAIN"));
    Ok(split)
}

/// Groups that people are dealt out to at random.
#[derive(Debug, Clone, Copy)]
pub struct Groups {
    /// Their number.
    pub count: usize,
    /// Seed of the draw.
    pub seed: u32,
}

/// People dealt out to groups.
pub fn deal_people(
    params: &Parameters,
    set: &dyn EventSet,
    samples: &[usize],
    Groups {
        count: groups,
        seed,
    }: Groups,
) -> Result<Vec<Vec<u16>>, ParamError> {
    let people = people(set, samples, seed);
    if groups > people.len() {
        let person = params.benchmark().person();
        return Err(ParamError::Combination {
            key: "N_FOLDS",
            found: groups.to_string(),
            problem: format!(
                "there are {} {person}s, and none can be in two folds",
                people.len()
            ),
            way_out: format!("choose fewer folds, or none for one per {person}"),
        });
    }
    let dealt = |group: usize| {
        let mut dealt: Vec<u16> = people.iter().skip(group).step_by(groups).copied().collect();
        dealt.sort_unstable();
        dealt
    };
    Ok((0..groups).map(dealt).collect())
}

/// A speaker who is left out.
#[derive(Debug, Clone, Copy)]
pub struct LeftOut {
    /// Place in the list of speakers.
    pub place: usize,
    /// Seed of the order of the others' samples.
    pub seed: u32,
}

/// `EVALUATION=speaker`: all samples of the speaker, in the order of the file, against all others in an
/// order drawn under a seed, of which at most `N_TRAIN` are trained on.
pub fn leave_out(
    params: &Parameters,
    set: &dyn EventSet,
    samples: &[usize],
    LeftOut { place, seed }: LeftOut,
) -> Result<Split, ParamError> {
    let problem =
        |problem: String, way_out: String| params.refuse("SPEAKER_LEFT", problem, way_out);
    let person = params.benchmark().person();
    let ids = speaker_ids(set);
    let Some(&id) = ids.get(place) else {
        return Err(problem(
            format!("there is no {person} {place}"),
            format!(
                "the training file has {} {person}s, counted from 0",
                ids.len()
            ),
        ));
    };
    let Split {
        train: others,
        validation,
    } = without(set, samples, &[id]);
    if validation.is_empty() || others.is_empty() {
        return Err(problem(
            format!(
                "{person} {place} has {} of the {} samples of the classes that are kept",
                validation.len(),
                samples.len()
            ),
            format!("leave out another {person}, or keep more classes (REDUCED_CLASSES)"),
        ));
    }
    let mut train = permuted(&others, seed);
    train.truncate(params.count("N_TRAIN"));
    Ok(Split { train, validation })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use eventprop_data::binned::{BinnedSet, Speakers};

    use super::*;
    use eventprop_params::Benchmark;

    /// 60 samples of 3 classes by speakers 4, 7 and 9.
    fn set() -> BinnedSet {
        let mut set = BinnedSet::new(5, 10, 3, Speakers::Known);
        for sample in 0..60u16 {
            let speaker = [4, 7, 9][usize::from(sample / 3 % 3)];
            set.push(&mut vec![(1, 1)], sample % 3, Some(speaker));
        }
        set
    }

    fn params(assignments: &[&str]) -> Parameters {
        let mut params = Parameters::new(Benchmark::Shd);
        for assignment in assignments {
            params.assign(assignment).expect(assignment);
        }
        params
    }

    #[test]
    fn a_random_split_shares_no_sample_and_keeps_the_sizes() {
        let params = params(&["N_TRAIN=30", "N_VALIDATE=10"]);
        let all: Vec<usize> = (0..60).collect();
        let split = random(&params, &all, 1).expect("a split");
        assert_eq!([split.train.len(), split.validation.len()], [30, 10]);
        let union: BTreeSet<usize> = split
            .train
            .iter()
            .chain(&split.validation)
            .copied()
            .collect();
        assert_eq!(union.len(), 40);
        assert_ne!(random(&params, &all, 2).expect("a split"), split);
    }

    #[test]
    fn a_left_out_speaker_is_in_no_training_sample() {
        let set = set();
        let params = params(&["REDUCED_CLASSES=[0,2]"]);
        let samples = kept(&params, &set);
        assert_eq!(samples.len(), 40);
        let ids = [4, 7, 9];
        for (place, id) in ids.into_iter().enumerate() {
            let split =
                leave_out(&params, &set, &samples, LeftOut { place, seed: 5 }).expect("a split");
            let speakers = set.speakers().expect("speakers");
            assert!(split.validation.iter().all(|&s| speakers[s] == id));
            assert!(split.train.iter().all(|&s| speakers[s] != id));
            assert_eq!(split.train.len() + split.validation.len(), 40);
            assert!(split.validation.is_sorted());
        }
        let error = leave_out(&params, &set, &samples, LeftOut { place: 3, seed: 5 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SPEAKER_LEFT=[0] is not possible: there is no speaker 3; the training file has 3 speakers, counted from 0"
        );
    }

    #[test]
    fn too_many_validation_samples_are_refused() {
        let error = random(&params(&["N_VALIDATE=60"]), &(0..60).collect::<Vec<_>>(), 1);
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("there are 60 samples in all")
        );
    }
}
