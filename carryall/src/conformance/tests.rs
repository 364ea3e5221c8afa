mod faulty;

use std::collections::BTreeSet;

use faulty::{Fault, Faulty};

use super::law::{Law, broken};
use super::{laws_of_stores, laws_of_subjects, sweeping};
use crate::store::{AnyStore, MemoryStore, Store};

/// For each law a store that breaks it. It may break others as well.
const STORE_FAULTS: &[(Fault, &[&str])] = &[
    (Fault::CountsFromZero, &["a_created_record_has_the_first_version_and_can_be_loaded"]),
    (Fault::CreationOverwrites, &["a_record_is_created_only_once", "of_racing_creations_one_wins"]),
    (Fault::CommitCreates, &["an_unknown_key_is_absent_for_every_verb"]),
    (
        Fault::CommitCreates,
        &[
            "a_removed_record_is_absent_for_every_verb",
            "a_commit_that_was_under_way_does_not_resurrect_a_removed_record",
            "removal_wins_against_racing_commits",
        ],
    ),
    (Fault::IgnoresAKeyBit, &["keys_that_differ_in_one_bit_are_independent"]),
    (Fault::NeverCounts, &["a_commit_of_the_right_version_replaces_the_record_and_counts_on"]),
    (
        Fault::IgnoresVersions,
        &["a_commit_of_another_version_changes_nothing", "fifty_writers_that_retry_lose_no_update"],
    ),
    (Fault::ConflictIsStale, &["a_conflict_hands_back_the_record_as_it_is_now"]),
    (Fault::LoadExtends, &["loading_changes_nothing"]),
    (Fault::PayloadEndsAtZero, &["payloads_come_back_byte_for_byte"]),
    (Fault::InstantsInSeconds, &["instants_come_back_to_the_millisecond"]),
    (Fault::DeadlinesOnlyGrow, &["a_commit_sets_the_deadlines_it_is_given_earlier_ones_too"]),
    (Fault::OwnerStays, &["the_owner_comes_and_goes_with_each_commit"]),
    (Fault::TouchForgetsSeen, &["a_touch_moves_seen_and_deadline_and_nothing_else"]),
    (Fault::TouchMovesBack, &["a_touch_never_moves_anything_back"]),
    (Fault::TouchIsUncapped, &["a_touch_is_capped_at_the_latest_deadline"]),
    (Fault::TouchCounts, &["a_touch_keeps_the_version_so_that_commits_under_way_succeed"]),
    (Fault::TouchCreates, &["a_touch_never_creates"]),
    (Fault::TouchWritesAll, &["a_touch_beside_commits_undoes_none_of_them"]),
    (Fault::LivesOneMoment, &["a_record_lives_to_the_last_millisecond_and_not_one_longer"]),
    (
        Fault::NeverExpires,
        &[
            "an_expired_record_is_not_loaded",
            "an_expired_record_cannot_be_committed_to",
            "an_expired_record_cannot_be_touched_back_to_life",
            "removing_an_expired_record_finds_nothing",
            "the_key_of_an_expired_record_can_be_used_anew",
        ],
    ),
    (Fault::RemoveAlwaysSaysYes, &["removing_twice_is_removing_once"]),
    (
        Fault::ChecksThenWrites,
        &["removal_wins_against_racing_commits", "fifty_writers_that_retry_lose_no_update"],
    ),
    (Fault::WritesInTwoSteps, &["a_reader_never_sees_half_of_a_commit"]),
    (Fault::RemovesThenInserts, &["a_cancelled_commit_leaves_the_old_record_or_the_new_one"]),
];

const SWEEP_FAULTS: &[(Fault, &[&str])] = &[
    (Fault::SweepsEverything, &["a_sweep_removes_what_is_expired_and_spares_the_living"]),
    (Fault::SweepsNothing, &["a_sweep_removes_what_is_expired_and_spares_the_living"]),
    (Fault::SweepIgnoresItsLimit, &["a_sweep_removes_no_more_than_its_limit"]),
    (Fault::SweepOnlyCounts, &["sweeping_again_finds_nothing"]),
    (Fault::SweepsByFirstDeadline, &["a_sweep_goes_by_the_deadline_as_it_is_now"]),
];

const SUBJECT_FAULTS: &[(Fault, &[&str])] = &[
    (Fault::ListsEverybody, &["all_live_records_of_a_subject_are_listed_the_oldest_first"]),
    (Fault::ListsTheNewestFirst, &["all_live_records_of_a_subject_are_listed_the_oldest_first"]),
    (Fault::CountsOneTooMany, &["all_live_records_of_a_subject_are_listed_the_oldest_first"]),
    (Fault::ListsTiesBackwards, &["records_of_the_same_age_are_listed_by_their_key"]),
    (Fault::ListIgnoresItsLimit, &["a_list_holds_the_oldest_up_to_its_limit"]),
    (Fault::ListsFirstVersions, &["a_listed_record_is_the_one_that_is_loaded"]),
    (
        Fault::ListsTheRemoved,
        &["a_removed_record_is_not_listed", "a_record_created_over_an_expired_one_is_its_new_subjects"],
    ),
    (Fault::ListsTheExpired, &["an_expired_record_is_not_listed_and_a_touched_one_is"]),
    (Fault::ListsByFirstSubject, &["a_record_is_listed_under_the_subject_that_it_has_now"]),
    (Fault::AdmitForgetsThePayload, &["an_admission_writes_what_a_commit_would"]),
    (Fault::AdmitLooksAtTheCapFirst, &["an_admission_that_lost_a_race_writes_nothing_and_ends_nobody"]),
    (
        Fault::AdmitIgnoresTheCap,
        &["a_subject_that_is_full_is_refused_one_more", "the_oldest_make_room_and_are_gone_for_every_verb"],
    ),
    (Fault::AdmitEndsTheNewest, &["the_oldest_make_room_and_are_gone_for_every_verb"]),
    (Fault::AdmitEndsOne, &["as_many_are_ended_as_the_cap_demands"]),
    (Fault::AdmitCountsTheRecordItself, &["a_record_takes_no_place_twice"]),
    (Fault::AdmitCountsTheExpired, &["only_live_records_of_the_same_subject_take_places"]),
    (Fault::AdmitNeedsASubject, &["an_admission_without_a_subject_is_a_commit"]),
    (
        Fault::AdmitChecksThenWrites,
        &[
            "of_racing_admissions_as_many_get_in_as_there_are_places",
            "racing_admissions_that_end_the_oldest_never_pass_the_cap",
        ],
    ),
    (Fault::CommitCreates, &["an_ended_record_stays_gone_whoever_writes_to_it"]),
];

async fn assert_each_is_caught<S: Store>(
    laws: fn() -> Vec<Law<S>>,
    make: fn(Fault) -> S,
    faults: &[(Fault, &[&'static str])],
) {
    let mut shown = BTreeSet::new();
    for (fault, expected) in faults {
        let caught = broken(laws(), async || make(*fault)).await;
        let names: BTreeSet<_> = caught.iter().map(|law| law.name).collect();
        for law in *expected {
            assert!(names.contains(law), "{fault:?} should break {law}, and breaks only {names:?}");
            shown.insert(*law);
        }
    }
    for law in laws() {
        assert!(shown.contains(law.name), "no store shows that {} can be broken", law.name);
    }
}

#[tokio::test]
async fn every_law_of_stores_can_be_broken() {
    assert_each_is_caught(laws_of_stores, Faulty::with, STORE_FAULTS).await;
}

#[tokio::test]
async fn every_law_of_sweeping_can_be_broken() {
    assert_each_is_caught(sweeping::laws, Faulty::with, SWEEP_FAULTS).await;
}

fn listing(fault: Fault) -> AnyStore {
    AnyStore::of(Faulty::with(fault)).lists_subjects().into()
}

#[tokio::test]
async fn every_law_of_subjects_can_be_broken() {
    assert_each_is_caught(laws_of_subjects, listing, SUBJECT_FAULTS).await;
}

#[tokio::test]
#[should_panic(expected = "it is not declared with `lists_subjects()`")]
async fn a_store_that_declares_nothing_breaks_all_laws_of_subjects() {
    super::subjects(async || AnyStore::of(MemoryStore::new())).await;
}

#[tokio::test]
async fn a_store_without_a_fault_breaks_none() {
    super::store(async || Faulty::with(Fault::None)).await;
    super::sweep(async || Faulty::with(Fault::None)).await;
    super::subjects(async || listing(Fault::None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_memory_keeps_the_laws() {
    for _ in 0..5 {
        super::store(async || MemoryStore::new()).await;
        super::subjects(async || MemoryStore::new()).await;
    }
    super::sweep(async || MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapped_store_keeps_the_laws() {
    super::store(async || AnyStore::from(MemoryStore::new())).await;
}

#[tokio::test]
#[should_panic(expected = "a record is created only once: creating it again is answered with Committed")]
async fn a_broken_law_is_named_with_what_was_seen() {
    super::store(async || Faulty::with(Fault::CreationOverwrites)).await;
}

#[tokio::test]
async fn an_outage_or_a_panic_of_the_store_breaks_laws_and_not_the_suite() {
    for (fault, text) in [(Fault::Outage, "Unavailable"), (Fault::Panic, "panicked")] {
        let caught = broken(laws_of_stores(), async || Faulty::with(fault)).await;
        assert_eq!(caught.len(), laws_of_stores::<Faulty>().len());
        assert!(caught.iter().all(|law| law.to_string().contains(text)), "{caught:?}");
    }
}
