-- Plans come with the migrations; there is nothing else that every project needs.
select count(*) as plans from app.plans;
