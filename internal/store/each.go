package store

import "database/sql"

// Each reads all rows of a query and closes it. It takes the query's outcome as it is, so that one expression asks and reads.
func Each(rows *sql.Rows, err error, row func() error, dest ...any) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := row(); err != nil {
			return err
		}
	}
	return rows.Err()
}
