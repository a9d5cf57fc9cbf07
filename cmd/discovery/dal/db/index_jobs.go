package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// Kinds of index jobs.
const (
	// JobRebuild is to build a new index beside the one that serves.
	JobRebuild = "rebuild"
	// JobCheck is to compare the index with the catalogue.
	JobCheck = "check"
)

// States of index reports.
const (
	// StateAlive is of a report without a job: the process follows the catalogue, or waits to.
	StateAlive   = "alive"
	StateRunning = "running"
	StateDone    = "done"
	StateFailed  = "failed"
)

// IndexJob is something that processes are asked to do with their index.
type IndexJob struct {
	ID          int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	Kind        string `gorm:"column:kind"`
	CreatedAtMs int64  `gorm:"column:created_at_ms"`
}

// TableName is index_jobs.
func (IndexJob) TableName() string { return "index_jobs" }

// IndexReport is how far a process is with a job. That of job 0 says that the process is alive.
type IndexReport struct {
	JobID     int64  `gorm:"column:job_id;primaryKey;autoIncrement:false"`
	Replica   string `gorm:"column:replica;primaryKey"`
	State     string `gorm:"column:state"`
	DoneDocs  int64  `gorm:"column:done_docs"`
	TotalDocs int64  `gorm:"column:total_docs"`
	// Message has at most 500 characters.
	Message   string `gorm:"column:message"`
	UpdatedMs int64  `gorm:"column:updated_ms"`
}

// TableName is index_reports.
func (IndexReport) TableName() string { return "index_reports" }

// keepJobs is how long jobs are kept, and who was alive.
const keepJobs = 7 * 24 * time.Hour

// AddIndexJob stores a job, and removes old ones.
func (s *Store) AddIndexJob(ctx context.Context, job IndexJob) error {
	old := job.CreatedAtMs - keepJobs.Milliseconds()
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		return errors.Join(
			tx.Exec("DELETE FROM index_jobs WHERE created_at_ms < ?", old).Error,
			tx.Exec("DELETE FROM index_reports WHERE updated_ms < ?", old).Error,
			tx.Create(&job).Error,
		)
	})
	if err != nil {
		return fmt.Errorf("add index job: %w", err)
	}
	return nil
}

// NewestIndexJob is the last job with an id above one; false when there is none.
func (s *Store) NewestIndexJob(ctx context.Context, above int64) (IndexJob, bool, error) {
	rows, err := sqldb.Select[IndexJob](s.Read.WithContext(ctx), "FROM index_jobs WHERE id > ? ORDER BY id DESC LIMIT 1", above).All()
	if err != nil {
		return IndexJob{}, false, fmt.Errorf("newest index job: %w", err)
	}
	if len(rows) == 0 {
		return IndexJob{}, false, nil
	}
	return rows[0], true, nil
}

// PutIndexReport stores how far a process is.
func (s *Store) PutIndexReport(ctx context.Context, r IndexReport) error {
	set := clause.AssignmentColumns([]string{"state", "done_docs", "total_docs", "message", "updated_ms"})
	if err := s.Write.WithContext(ctx).Clauses(sqldb.Upsert(set, "job_id", "replica")).Create(&r).Error; err != nil {
		return fmt.Errorf("report of the index: %w", sqldb.Translate(err))
	}
	return nil
}

// RemoveIndexReport removes one, e.g. of a process that ends.
func (s *Store) RemoveIndexReport(ctx context.Context, jobID int64, replica string) error {
	err := s.Write.WithContext(ctx).Exec("DELETE FROM index_reports WHERE job_id = ? AND replica = ?", jobID, replica).Error
	if err != nil {
		return fmt.Errorf("report of the index: %w", sqldb.Translate(err))
	}
	return nil
}

// IndexReports are those of a job, of processes that have told something since a time, by their names.
func (s *Store) IndexReports(ctx context.Context, jobID, sinceMs int64) ([]IndexReport, error) {
	rows, err := sqldb.Select[IndexReport](s.Read.WithContext(ctx),
		"FROM index_reports WHERE job_id = ? AND updated_ms >= ? ORDER BY replica LIMIT 1000", jobID, sinceMs).All()
	if err != nil {
		return nil, fmt.Errorf("reports of the index: %w", err)
	}
	return rows, nil
}
